"""The worker's composition root: the queue, the upkeep, and staying alive."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import cast
from uuid import UUID, uuid4

import asyncpg
import structlog
from pgqueuer.core.qm import QueueManager
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job

from core.database import REVISION, Pool, open_connection, open_pool
from core.queries import queries
from core.queue import IMPORT_JOB, queue_over
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportWork
from jobs.csv_import.job import run_import_job
from jobs.errors import SchemaMismatchError
from jobs.maintenance.orphaned_objects import expire_uploads, sweep_orphans
from jobs.maintenance.periodic import audit_some_day, every, pause, queue_stranded_imports
from jobs.maintenance.recompression import compress_opened_chunks
from jobs.rollups.refresh import refresh_dirty_ranges

log = structlog.get_logger()

BATCH_LINES = 250_000
JOBS_PER_POLL = 1
JOBS_AT_ONCE = 2  # pgqueuer wants at least twice the jobs a poll
BATCH_STATEMENT_SECONDS = 600  # a batch may have to decompress many old chunks

LONGEST_POLL_SECONDS = 5.0
LIFE_SIGN_SECONDS = 5.0
SWEEP_SECONDS = 60.0
AUDIT_SECONDS = 300.0
ORPHANS_SECONDS = 3600.0

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

MakeWork = Callable[[Pool], ImportWork]
Duty = Callable[[], Awaitable[object]]


async def run_worker(
    database: DatabaseSettings,
    storage: StorageSettings,
    worker: WorkerSettings,
    readings: ReadingSettings,
    *,
    batch_lines: int = BATCH_LINES,
) -> None:
    """Take jobs and keep the rollups up to date until SIGTERM or SIGINT.

    It outlives an absent database. Asked to stop, it ends after the batch or refresh at hand and
    leaves the rest to the next worker.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    make_work = partial(
        ImportWork, Storage.open(storage), database, worker, readings, stop, batch_lines
    )
    pause_seconds = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        began = time.monotonic()
        await _session(database, make_work)
        if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
            pause_seconds = FIRST_PAUSE_SECONDS
        await pause(stop, pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


async def _session(database: DatabaseSettings, make_work: MakeWork) -> None:
    """Work until the worker is to stop or the database fails, which is logged."""
    try:
        async with open_connection(database) as listener, open_work(database, make_work) as work:
            await _serve(
                work, QueueManager(queue_over(AsyncpgDriver(cast("asyncpg.Connection", listener))))
            )
    except* Exception as interruption:  # noqa: BLE001  # whatever it is, the worker goes on
        log.warning("worker_interrupted", errors=[repr(error) for error in interruption.exceptions])


@asynccontextmanager
async def open_work(database: DatabaseSettings, make_work: MakeWork) -> AsyncIterator[ImportWork]:
    """What imports work with, over a pool of its own. Raises SchemaMismatchError."""
    unhurried = database.model_copy(update={"statement_timeout_seconds": BATCH_STATEMENT_SECONDS})
    async with await open_pool(unhurried) as pool:
        await _require_schema(pool)
        yield make_work(pool)


async def _serve(work: ImportWork, manager: QueueManager) -> None:
    @manager.entrypoint(IMPORT_JOB)
    async def run_import(job: Job) -> None:
        await run_import_job(work, UUID((job.payload or b"").decode()), job.attempts)

    lease_seconds = work.worker.lease_seconds
    async with asyncio.TaskGroup() as tasks:
        for seconds, duty in _duties(work):
            tasks.create_task(every(seconds, work.stop, duty))
        tasks.create_task(_shut_down_when_asked(manager, work.stop))
        log.info("worker_started")
        await manager.run(
            dequeue_timeout=timedelta(seconds=min(lease_seconds / 2, LONGEST_POLL_SECONDS)),
            batch_size=JOBS_PER_POLL,
            max_concurrent_tasks=JOBS_AT_ONCE,
            shutdown_on_listener_failure=True,
            heartbeat_timeout=timedelta(seconds=lease_seconds),
            log_aggregation_interval=timedelta(),  # never: nobody reads the statistics
        )


def _duties(work: ImportWork) -> list[tuple[float, Duty]]:
    """What is done every so many seconds beside the jobs; a long refresh holds up nothing else."""
    show_life = partial(queries().worker_seen, work.pool, id=uuid4())
    refresh = partial(refresh_dirty_ranges, work.database, work.checkpoint)
    return [
        (LIFE_SIGN_SECONDS, show_life),
        (work.worker.lease_seconds, partial(queue_stranded_imports, work.pool)),
        (work.worker.refresh_interval_seconds, refresh),
        (work.worker.refresh_interval_seconds, partial(queries().compact_changes, work.pool)),
        (AUDIT_SECONDS, partial(audit_some_day, work.database)),
        (SWEEP_SECONDS, partial(queries().delete_expired_sessions, work.pool)),
        (SWEEP_SECONDS, partial(queries().forget_old_answers, work.pool)),
        (SWEEP_SECONDS, partial(compress_opened_chunks, work.pool)),
        (SWEEP_SECONDS, partial(expire_uploads, work.pool)),
        (ORPHANS_SECONDS, partial(sweep_orphans, work.pool, work.storage)),
    ]


async def _shut_down_when_asked(manager: QueueManager, stop: asyncio.Event) -> None:
    await stop.wait()
    manager.shutdown.set()


async def _require_schema(pool: Pool) -> None:
    try:
        revision = await queries().schema_revision(pool)
    except asyncpg.UndefinedTableError:
        revision = None
    if revision != REVISION:
        raise SchemaMismatchError(
            f"The database is at revision {revision}, this release needs {REVISION}. "
            "Run sensorflow migrate.",
        )
