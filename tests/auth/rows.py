"""What the database holds of sign-ins, and how to let time pass there."""

from core.database import Pool


async def let_tokens_run_out(pool: Pool) -> None:
    """Every session's access token is past its time and must be renewed."""
    await pool.execute(
        "UPDATE sessions SET refresh_due_at = now() - INTERVAL '1 second', "
        "access_expires_at = now() - INTERVAL '1 second'"
    )


async def let_refresh_be_due(pool: Pool) -> None:
    """Every session's access token holds a little longer and should be renewed."""
    await pool.execute("UPDATE sessions SET refresh_due_at = now() - INTERVAL '1 second'")


async def let_sessions_idle(pool: Pool, seconds: float) -> None:
    """Nobody has been seen for so long."""
    await pool.execute(
        "UPDATE sessions SET last_seen_at = last_seen_at - make_interval(secs => $1)", seconds
    )


async def sessions_left(pool: Pool) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM sessions")
    return count
