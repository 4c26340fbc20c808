"""What a worker does at a steady pace, job or no job."""

import asyncio
from contextlib import suppress
from uuid import UUID

import structlog

from core.database import Pool
from core.queries import queries
from core.queue import enqueue_import
from jobs.csv_import.work import ImportWork
from jobs.errors import EXPECTED, WorkerStoppingError
from jobs.rollups.refresh import refresh_dirty_ranges

log = structlog.get_logger()


async def keep_up(work: ImportWork, worker_id: UUID) -> None:
    """Every refresh interval, until the worker stops: show life, find lost jobs, roll up."""
    while not work.stop.is_set():
        try:
            await _round(work, worker_id)
        except WorkerStoppingError:
            return
        except EXPECTED as error:
            log.warning("upkeep_failed", error=repr(error))
        await pause(work.stop, work.worker.refresh_interval_seconds)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until the worker is to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _round(work: ImportWork, worker_id: UUID) -> None:
    await queries().worker_seen(work.pool, id=worker_id)
    await queue_stranded_imports(work.pool)
    await refresh_dirty_ranges(work.database, work.checkpoint)


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
