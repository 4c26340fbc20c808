"""TimescaleDB's jobs: missing, switched off, failing, late."""

from collections.abc import Iterator
from typing import Any

from cli.doctor.check import Results
from cli.doctor.results import CheckResult, failed, passed, warning
from core.database import Connection
from core.policies import remedy_for
from core.queries import all_rows, queries

REFRESH_INTERVALS = {"readings_1h": "10 minutes", "readings_1d": "1 hour"}
WORKER = "A worker of Sensor Flow does the work of policies meanwhile, three intervals late."


async def check_jobs(connection: Connection) -> Results:
    """Each job of the database, and policies that are not there."""
    runs = await all_rows(queries().policy_runs, connection)
    missing = await all_rows(queries().missing_policies, connection)
    found = [result for run in runs for result in _of_job(run)]
    found += [_missing(row["target"]) for row in missing]
    for result in found or [passed(f"jobs: {len(runs)}, none failing or late")]:
        yield result


def _of_job(run: Any) -> Iterator[CheckResult]:
    name = f"job {run['job_id']} ({run['procedure']} of {run['target'] or 'the server'})"
    if not run["is_scheduled"]:
        yield warning(
            f"{name}: switched off",
            WORKER,
            f"As its owner: SELECT alter_job({run['job_id']}, scheduled => true);",
        )
    elif run["failures_in_a_row"]:
        yield failed(
            f"{name}: failed {run['failures_in_a_row']} times in a row: "
            f"{run['error'] or 'no message that this role may see'}",
            WORKER,
            remedy_for(run["error_state"], run["job_id"]),
        )
    elif run["is_overdue"]:
        yield failed(
            f"{name}: no success since {run['last_success']:%Y-%m-%d %H:%M} UTC",
            WORKER,
            "As the owner: SELECT _timescaledb_functions.start_background_workers();",
        )


def _missing(target: str) -> CheckResult:
    if target == "readings":
        return warning(
            "readings: no columnstore policy",
            "Chunks are never compressed: they take about ten times the space.",
            "As the owner: CALL add_columnstore_policy('readings', after => INTERVAL '45 days');",
        )
    return warning(
        f"{target}: no refresh policy",
        WORKER,
        f"As the owner: SELECT add_continuous_aggregate_policy('{target}', INTERVAL '40 days', "
        f"INTERVAL '30 minutes', INTERVAL '{REFRESH_INTERVALS[target]}', "
        "refresh_newest_first => false);",
    )
