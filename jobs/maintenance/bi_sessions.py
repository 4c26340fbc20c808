"""Ends what BI tools leave running: they may set their own timeouts to any value."""

import structlog

from core.database import Pool
from core.queries import all_rows, queries

log = structlog.get_logger()

REMEDY = "Create BI logins by sensorflow bi-user, or grant the owner pg_signal_backend."


async def end_long_bi_transactions(pool: Pool, max_seconds: float) -> None:
    """End the sessions of BI logins whose transaction has run longer."""
    async with pool.acquire() as connection:
        sessions = await all_rows(
            queries().end_long_bi_transactions, connection, max_seconds=max_seconds
        )
    for session in sessions:
        details = {"login": session["login"], "seconds": round(session["seconds"])}
        if session["is_ended"]:
            log.warning("bi_session_ended", **details)
        else:
            log.error("bi_session_not_ended", **details, remedy=REMEDY)
