"""The lease on refreshing the rollups, which one session of all workers holds at a time.

It is a row of a table that no other login can change or lock. (An advisory lock is open to every
login of the database, and a lock on a row lasts no longer than a transaction, in which there is no
refresh.) The holder renews it. A holder that crashed or hangs loses it after LEASE_SECONDS, and its
sessions are ended by the next holder, so two refreshes never overlap.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import structlog

from core.database import Connection, open_connection
from core.queries import queries
from core.settings import DatabaseSettings
from jobs.errors import RefreshLeaseLostError

log = structlog.get_logger()

LEASE_SECONDS = 30.0
HEARTBEAT_SECONDS = 5.0


class RefreshLease:
    """The lease, as far as this process can tell; `renew` finds out whether it still holds it."""

    def __init__(self, *sessions: Connection) -> None:
        self._holder = uuid4()
        self._pids = [session.get_server_pid() for session in sessions]

    async def take(self, connection: Connection) -> bool:
        """Whether it could be had."""
        ended_sessions = await queries().take_refresh_lease(
            connection,
            holder=self._holder,
            lease_seconds=LEASE_SECONDS,
            backend_pids=self._pids,
        )
        if ended_sessions:
            log.warning("refresh_taken_over", ended_sessions=ended_sessions)
        return ended_sessions is not None

    async def renew(self, connection: Connection) -> None:
        """Hold it for another LEASE_SECONDS; raises RefreshLeaseLostError."""
        names = {"holder": self._holder, "backend_pids": self._pids}
        if await queries().renew_refresh_lease(connection, **names) is None:
            raise RefreshLeaseLostError("Another session has taken over the refresh.")

    async def release(self, connection: Connection) -> None:
        """Let others have it, unless they have it already."""
        await queries().release_refresh_lease(connection, holder=self._holder)

    @asynccontextmanager
    async def held(self, database: DatabaseSettings, *sessions: Connection) -> AsyncIterator[None]:
        """Renew it while the block runs, whose statements go through these sessions too.

        If that fails, the block finds out by `renew`.
        """
        async with open_connection(database) as heartbeat:
            self._pids += [session.get_server_pid() for session in (*sessions, heartbeat)]
            await self.renew(heartbeat)
            task = asyncio.create_task(self._renew_regularly(heartbeat))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _renew_regularly(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.renew(connection)


@asynccontextmanager
async def refresh_lease(connection: Connection) -> AsyncIterator[RefreshLease | None]:
    """The lease while the block runs; None: another session has it."""
    lease = RefreshLease(connection)
    if not await lease.take(connection):
        yield None
        return
    try:
        yield lease
    finally:
        if not connection.is_closed():
            await lease.release(connection)
