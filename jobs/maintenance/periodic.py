"""What a worker does at a steady pace, job or no job."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from core.audits import audit_random_day
from core.database import Pool, database_errors, open_connection
from core.queries import queries
from core.queue import enqueue_import
from core.settings import DatabaseSettings
from jobs.errors import EXPECTED

log = structlog.get_logger()


async def every(
    seconds: float, stop: asyncio.Event, action: Callable[[], Awaitable[object]]
) -> None:
    """Do it at once and then at this pace until the worker is to stop; faults are logged."""
    while not stop.is_set():
        try:
            await action()
        except EXPECTED as error:
            if not stop.is_set():
                log.warning("upkeep_failed", error=repr(error))
        await pause(stop, seconds)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until the worker is to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def audit_some_day(database: DatabaseSettings) -> None:
    """Compare the rollups of a day at random with what they are made of."""
    with database_errors():
        async with open_connection(database) as connection:
            await audit_random_day(connection)


async def queue_stranded_imports(pool: Pool) -> None:
    """Give unfinished imports without a job a new one.

    The queue forgets a job when a worker that has lost it reports its end, or when the wish for
    another attempt could not be stored; the imports table is what counts.
    """
    async with pool.acquire() as connection, connection.transaction():
        stranded = [row["id"] async for row in queries().imports_without_job(connection)]
        for import_id in stranded:
            log.warning("import_without_job", import_id=str(import_id))
            await enqueue_import(connection, import_id)
