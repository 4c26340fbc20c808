import asyncio

from cli.stopping import exit_when_asked
from core.logs import configure_logging
from core.setting_errors import require
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.traces import configure_tracing

SETTINGS = (DatabaseSettings, StorageSettings, WorkerSettings, ReadingSettings)


def run_until_stopped() -> None:
    """Run jobs until SIGTERM or SIGINT; the batch under way is finished first."""
    exit_when_asked()
    require(*SETTINGS)
    configure_logging()
    configure_tracing("sensorflow-worker")
    from jobs.worker import run_worker  # noqa: PLC0415  # it takes a second or more

    asyncio.run(
        run_worker(DatabaseSettings(), StorageSettings(), WorkerSettings(), ReadingSettings())
    )
