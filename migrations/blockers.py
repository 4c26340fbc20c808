"""Sessions that a migration waits for. Those of BI tools are ended, and others are named.

Even a transaction that has only read from a view keeps the migration from changing it, and whoever
comes after waits behind the migration. So it waits for nobody without end.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
from sqlalchemy.exc import DBAPIError

from core.database import Connection
from migrations.errors import LOCK_NOT_AVAILABLE_STATE, MigrationBlockedError, sqlstate

LOCK_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 1.0

# An owner who may create roles is a member of both groups, as a superuser is.
BLOCKERS = """
    SELECT
        pid,
        usename::text AS name,
        coalesce(
            pg_has_role(usesysid, to_regrole('sensorflow_bi'), 'MEMBER')
            AND NOT pg_has_role(usesysid, to_regrole('sensorflow_app'), 'MEMBER'),
            false
        ) AS is_bi_tool
    FROM pg_stat_activity
    WHERE pid = any(pg_blocking_pids($1))
"""


@asynccontextmanager
async def bounded_lock_waits(watcher: Connection, migration: Connection) -> AsyncIterator[None]:
    """End the sessions of BI tools that the transaction on `migration` waits for.

    Raises MigrationBlockedError if others hold it up for longer than LOCK_TIMEOUT_SECONDS.
    """
    names: list[str] = []
    watch = asyncio.create_task(_watch(watcher, migration.get_server_pid(), names))
    try:
        await migration.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        yield
    except (asyncpg.LockNotAvailableError, DBAPIError) as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE_STATE:
            raise
        raise MigrationBlockedError(_remedy(names)) from error
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _watch(watcher: Connection, migration_pid: int, names: list[str]) -> None:
    """Keep the names of the sessions that the migration waits for, and end those of BI tools."""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        sessions = await watcher.fetch(BLOCKERS, migration_pid)
        if sessions:
            names[:] = [f"{session['name']} (process {session['pid']})" for session in sessions]
        for session in sessions:
            if session["is_bi_tool"]:
                with suppress(asyncpg.InsufficientPrivilegeError):
                    await watcher.execute("SELECT pg_terminate_backend($1)", session["pid"])


def _remedy(names: list[str]) -> str:
    return (
        f"The migration waited {LOCK_TIMEOUT_SECONDS:.0f} seconds for "
        f"{', '.join(names) or 'another session'}, and nothing was changed. End what that session "
        "does, or the session itself by pg_terminate_backend; then run sensorflow migrate again."
    )
