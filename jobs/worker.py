"""The worker's composition root: the queue, periodic maintenance, and reconnecting."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
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
from core.queue import IMPORT_JOB, queue_queries
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.errors import SchemaMismatchError
from jobs.maintenance.bi_sessions import end_long_bi_transactions
from jobs.maintenance.orphaned_objects import delete_orphaned_objects, expire_uploads
from jobs.maintenance.periodic import (
    audit_random_day,
    interruptible_sleep,
    requeue_stranded_imports,
    run_periodically,
)
from jobs.maintenance.policies import PolicyWatch
from jobs.maintenance.recompression import compress_overdue_chunks, recompress_chunks
from jobs.metrics import PeriodicTask, WorkerMetrics, served
from jobs.rollups.partial_hours import roll_forward
from jobs.rollups.refresh import refresh_dirty_ranges

log = structlog.get_logger()

BATCH_LINES = 250_000
JOBS_PER_POLL = 1
MAX_CONCURRENT_JOBS = 2  # pgqueuer wants at least twice the jobs of a poll
BATCH_STATEMENT_SECONDS = 600  # a batch may have to decompress many old chunks

MAX_POLL_SECONDS = 5.0
HEARTBEAT_SECONDS = 5.0
ROLL_FORWARD_SECONDS = 5.0
BI_SESSIONS_SECONDS = 10.0
CLEANUP_SECONDS = 60.0
AUDIT_SECONDS = 300.0
ORPHANED_OBJECTS_SECONDS = 3600.0

MIN_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 30.0

ContextFactory = Callable[[Pool], ImportContext]


async def run_worker(
    database: DatabaseSettings,
    storage: StorageSettings,
    worker: WorkerSettings,
    readings: ReadingSettings,
    *,
    batch_lines: int = BATCH_LINES,
) -> None:
    """Run jobs and keep the rollups up to date until SIGTERM or SIGINT.

    While the database is unavailable it reconnects with exponential backoff. On a signal it ends
    after the current batch or refresh and leaves the rest to the next worker.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    make_context = partial(
        ImportContext, Storage.open(storage), database, worker, readings, stop, batch_lines
    )
    metrics = WorkerMetrics()
    with served(metrics, worker):
        await _run_sessions(stop, partial(_run_session, database, make_context, metrics))


async def _run_sessions(stop: asyncio.Event, run_session: PeriodicTask) -> None:
    """Run one session after another, with exponential backoff, until the worker is to stop."""
    backoff_seconds = MIN_BACKOFF_SECONDS
    while not stop.is_set():
        began = time.monotonic()
        await run_session()
        if time.monotonic() - began > MAX_BACKOFF_SECONDS:
            backoff_seconds = MIN_BACKOFF_SECONDS
        await interruptible_sleep(stop, backoff_seconds)
        backoff_seconds = min(2 * backoff_seconds, MAX_BACKOFF_SECONDS)


async def _run_session(
    database: DatabaseSettings, make_context: ContextFactory, metrics: WorkerMetrics
) -> None:
    """Run jobs until the worker is to stop or the database fails, which is logged."""
    try:
        async with (
            open_connection(database) as listener,
            open_import_context(database, make_context) as context,
        ):
            driver = AsyncpgDriver(cast("asyncpg.Connection", listener))
            await _run_queue(context, QueueManager(queue_queries(driver)), metrics)
    except* Exception as interruption:  # noqa: BLE001  # whatever it is, the worker goes on
        log.warning("worker_interrupted", errors=[repr(error) for error in interruption.exceptions])


@asynccontextmanager
async def open_import_context(
    database: DatabaseSettings, make_context: ContextFactory
) -> AsyncIterator[ImportContext]:
    """The context of imports, over a pool of its own. Raises SchemaMismatchError."""
    timeout = {"statement_timeout_seconds": BATCH_STATEMENT_SECONDS}
    async with await open_pool(database.model_copy(update=timeout)) as pool:
        await _require_schema(pool)
        yield make_context(pool)


async def _run_queue(context: ImportContext, manager: QueueManager, metrics: WorkerMetrics) -> None:
    @manager.entrypoint(IMPORT_JOB)
    async def run_import(job: Job) -> None:
        with metrics.job():
            await run_import_job(context, UUID((job.payload or b"").decode()), job.attempts)

    lease_seconds = context.worker.lease_seconds
    async with asyncio.TaskGroup() as tasks:
        for name, seconds, task in _periodic_tasks(context, metrics):
            observed = metrics.observed(name, task)
            tasks.create_task(run_periodically(seconds, context.stop, observed))
        tasks.create_task(_shut_down_on_stop(manager, context.stop))
        log.info("worker_started")
        await manager.run(
            dequeue_timeout=timedelta(seconds=min(lease_seconds / 2, MAX_POLL_SECONDS)),
            batch_size=JOBS_PER_POLL,
            max_concurrent_tasks=MAX_CONCURRENT_JOBS,
            shutdown_on_listener_failure=True,
            heartbeat_timeout=timedelta(seconds=lease_seconds),
            log_aggregation_interval=timedelta(),  # never: nobody reads the statistics
        )


def _periodic_tasks(
    context: ImportContext, metrics: WorkerMetrics
) -> list[tuple[str, float, PeriodicTask]]:
    """Each with its name and its interval in seconds. They run concurrently."""
    pool, database = context.pool, context.database
    refresh_seconds = context.worker.refresh_interval_seconds
    heartbeat = partial(queries().record_worker_heartbeat, pool, id=uuid4())
    refresh = partial(refresh_dirty_ranges, database, context.raise_if_stopping)
    roll = partial(roll_forward, pool, context.raise_if_stopping)
    return [
        ("heartbeat", HEARTBEAT_SECONDS, heartbeat),
        ("requeue", context.worker.lease_seconds, partial(requeue_stranded_imports, pool)),
        ("refresh", refresh_seconds, refresh),
        ("roll_forward", ROLL_FORWARD_SECONDS, roll),
        ("compact_changes", refresh_seconds, partial(queries().compact_changes, pool)),
        ("audit", AUDIT_SECONDS, partial(audit_random_day, database)),
        ("delete_sessions", CLEANUP_SECONDS, partial(queries().delete_expired_sessions, pool)),
        ("delete_responses", CLEANUP_SECONDS, partial(queries().delete_expired_responses, pool)),
        (
            "end_bi_transactions",
            BI_SESSIONS_SECONDS,
            partial(end_long_bi_transactions, pool, context.worker.bi_max_transaction_seconds),
        ),
        ("watch_policies", CLEANUP_SECONDS, partial(PolicyWatch(metrics.policies).look, pool)),
        ("recompress", CLEANUP_SECONDS, partial(recompress_chunks, pool)),
        (
            "compress_overdue",
            CLEANUP_SECONDS,
            partial(compress_overdue_chunks, database, context.raise_if_stopping),
        ),
        ("expire_uploads", CLEANUP_SECONDS, partial(expire_uploads, pool)),
        (
            "delete_objects",
            ORPHANED_OBJECTS_SECONDS,
            partial(delete_orphaned_objects, pool, context.storage),
        ),
    ]


async def _shut_down_on_stop(manager: QueueManager, stop: asyncio.Event) -> None:
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
