import asyncio

from core.logs import configure_logging
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.traces import configure_tracing
from jobs.worker import run_worker


def run_until_stopped() -> None:
    """Run jobs until SIGTERM or SIGINT; the current batch is finished first."""
    configure_logging()
    configure_tracing("sensorflow-worker")
    asyncio.run(
        run_worker(DatabaseSettings(), StorageSettings(), WorkerSettings(), ReadingSettings())
    )
