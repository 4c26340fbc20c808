"""What a worker does at intervals, whether there are jobs or not."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from core import audits
from core.database import Pool, database_errors, open_connection
from core.queries import queries
from core.queue import enqueue_import
from core.settings import DatabaseSettings
from jobs.errors import EXPECTED_ERRORS

log = structlog.get_logger()


async def run_periodically(
    seconds: float, stop: asyncio.Event, task: Callable[[], Awaitable[object]]
) -> None:
    """Run the task at once and then at this interval until `stop` is set; errors are logged."""
    while not stop.is_set():
        try:
            await task()
        except EXPECTED_ERRORS as error:
            if not stop.is_set():
                log.warning("maintenance_failed", error=repr(error))
        await interruptible_sleep(stop, seconds)


async def interruptible_sleep(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but no longer than until `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def audit_random_day(database: DatabaseSettings) -> None:
    """Compare the rollups of a random day with the rows they are made of."""
    with database_errors():
        async with open_connection(database) as connection:
            await audits.audit_random_day(connection)


async def requeue_stranded_imports(pool: Pool) -> None:
    """Give each unfinished import without a job a new one.

    The queue loses a job when a worker that has lost it reports its end, or when the request for
    another attempt could not be stored; the imports table is what counts.
    """
    async with pool.acquire() as connection, connection.transaction():
        stranded = [row["id"] async for row in queries().imports_without_job(connection)]
        for import_id in stranded:
            log.warning("import_without_job", import_id=str(import_id))
            await enqueue_import(connection, import_id)
