import asyncio

from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from jobs.worker import run_worker


def run_until_stopped() -> None:
    """Run jobs until SIGTERM or SIGINT; the batch under way is finished first."""
    asyncio.run(
        run_worker(DatabaseSettings(), StorageSettings(), WorkerSettings(), ReadingSettings())
    )
