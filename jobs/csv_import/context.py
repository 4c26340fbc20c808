"""What an attempt at an import depends on."""

import asyncio
from dataclasses import dataclass

from core.database import Pool
from core.settings import DatabaseSettings, ReadingSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.repository import ImportRepository
from jobs.errors import WorkerStoppingError


@dataclass(frozen=True, slots=True)
class ImportContext:
    """The worker's settings, connections and stop event, as imports need them."""

    storage: Storage
    database: DatabaseSettings
    worker: WorkerSettings
    readings: ReadingSettings
    stop: asyncio.Event
    batch_lines: int
    pool: Pool

    @property
    def imports(self) -> ImportRepository:
        """The imports of the worker's database."""
        return ImportRepository(self.pool, self.worker.lease_seconds)

    def raise_if_stopping(self) -> None:
        """Raise WorkerStoppingError if the worker is to stop; callable from any thread."""
        if self.stop.is_set():
            raise WorkerStoppingError("The worker stops; the import continues at its next start.")
