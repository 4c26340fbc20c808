"""What to do about jobs of TimescaleDB that fail."""

GUIDE = 'See "Jobs of TimescaleDB" in docs/deployment.md.'

# What newer minor releases of PostgreSQL raise at the end of every job of an older TimescaleDB.
INVALID_CURSOR_STATE = "24000"


def remedy_for(error_state: str | None, job_id: int) -> str:
    """What to do about a job, by the SQLSTATE of its last error."""
    if error_state == INVALID_CURSOR_STATE:
        return f"This release of TimescaleDB does not fit this PostgreSQL: update it. {GUIDE}"
    return f"As the owner of the database: CALL run_job({job_id}). {GUIDE}"
