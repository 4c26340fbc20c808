"""`sensorflow import --dry-run`: the worker's dry run of each file, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from obstore.store import MemoryStore

from api.imports.options import parse_options
from api.imports.uploads import extension_of
from cli.imports.display import VALIDATING, Display
from cli.imports.dry_run_outcome import DryRunOutcome
from cli.imports.local_context import database_label, open_local_context
from core.imports import ImportOptions, ImportState
from core.settings import DatabaseSettings, StorageSettings
from core.storage import Storage
from core.time import utc_now
from jobs.csv_import.context import ImportContext
from jobs.csv_import.dry_run import dry_run
from jobs.csv_import.repository import Claim

NO_IMPORT = UUID(int=0)


@dataclass(frozen=True, slots=True)
class DryRun:
    """The target of dry runs; each file is read where it is."""

    context: ImportContext
    options: ImportOptions

    @classmethod
    @asynccontextmanager
    async def open(cls, options: dict[str, str]) -> AsyncIterator["DryRun"]:
        """Dry runs against the configured database, of files written as the `options` say.

        Raises DatabaseUnavailableError, DatabaseRefusedError or SchemaMismatchError.
        """
        database, unused = DatabaseSettings(), Storage(MemoryStore())
        async with open_local_context(database, unused) as context:
            yield cls(context, parse_options(options))

    @property
    def destination(self) -> str:
        """The database, and that it is only compared with."""
        return f"{database_label(self.context.database)}, without storing anything"

    def after_interruption(self) -> list[str]:
        """Nothing is left."""
        return ["Nothing was stored."]


async def dry_run_file(target: DryRun, path: Path, display: Display) -> DryRunOutcome:
    """Run the import of a file dry. Raises NotCsvError, FileFaultError or OSError."""
    extension_of(path.name)
    display.start_file(path, VALIDATING)
    context = replace(target.context, storage=_folder_of(path))
    claim = Claim(
        NO_IMPORT,
        path.name,
        ImportState.LOADING,
        attempt=1,
        tries=1,
        lines_done=0,
        rows_rejected=0,
        started_at=utc_now(),
        options=target.options,
    )
    forecast = await dry_run(context, claim, display.set_done)
    return DryRunOutcome(path, forecast, forecast.fault(target.options))


def _folder_of(path: Path) -> Storage:
    return Storage.open(StorageSettings(url=str(path.absolute().parent)))
