import asyncio

from cli.signals import exit_on_signal
from core.logs import configure_logging
from core.setting_errors import require_valid
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.traces import configure_tracing

SETTINGS = (DatabaseSettings, StorageSettings, WorkerSettings, ReadingSettings)


def run_until_stopped() -> None:
    """Run jobs until SIGTERM or SIGINT; the current batch is finished first."""
    exit_on_signal()
    require_valid(*SETTINGS)
    configure_logging()
    configure_tracing("sensorflow-worker")
    from jobs.worker import run_worker  # noqa: PLC0415  # it takes a second or more

    asyncio.run(
        run_worker(DatabaseSettings(), StorageSettings(), WorkerSettings(), ReadingSettings())
    )
