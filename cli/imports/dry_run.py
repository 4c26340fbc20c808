"""`sensorflow import --dry-run`: what an import would do, told and not done."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from obstore.store import MemoryStore

from api.imports.options import parse_options
from api.imports.uploads import extension_of
from cli.imports.display import JUDGING, Display
from cli.imports.local import told_database
from cli.imports.outcomes import ExitCode, told_range
from core.imports import ImportOptions, ImportState
from core.readings import RejectCode
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from core.time import utc_now
from jobs.csv_import.context import ImportWork
from jobs.csv_import.dry_run import Forecast, rehearse
from jobs.csv_import.repository import Claim
from jobs.worker import BATCH_LINES, open_work

NO_IMPORT = UUID(int=0)


@dataclass(frozen=True, slots=True)
class DryRun:
    """Rehearses imports; each file is read where it lies."""

    work: ImportWork
    options: ImportOptions

    @classmethod
    @asynccontextmanager
    async def open(cls, options: dict[str, str]) -> AsyncIterator["DryRun"]:
        """Rehearsals with the configured database, of files written as the `options` say.

        Raises DatabaseUnavailableError, DatabaseRefusedError or SchemaMismatchError.
        """
        database, nothing = DatabaseSettings(), Storage(MemoryStore())
        worker, readings, stop = WorkerSettings(), ReadingSettings(), asyncio.Event()
        make_work = partial(ImportWork, nothing, database, worker, readings, stop, BATCH_LINES)
        async with open_work(database, make_work) as work:
            yield cls(work, parse_options(options))

    @property
    def destination(self) -> str:
        """The database, and that it is only compared with."""
        return f"{told_database(self.work.database)}, without storing anything"

    def after_interruption(self) -> list[str]:
        """Nothing is left."""
        return ["Nothing was stored."]


@dataclass(frozen=True, slots=True)
class DryOutcome:
    """What the import of a file would come to."""

    path: Path
    options: ImportOptions
    forecast: Forecast

    @property
    def exit_code(self) -> ExitCode:
        """What the import would end the command with."""
        if self.failure:
            return ExitCode.FAILED
        return ExitCode.REJECTS if self.forecast.counts.rejected else ExitCode.DONE

    @property
    def failure(self) -> str | None:
        """The code with which the import would fail, if it would."""
        counts, errors = self.forecast.counts, self.forecast.counts.rejected
        if not self.options.keeps_on_failure:  # it decides before it looks at stored rows
            errors -= self.forecast.rejects.get(RejectCode.CONFLICT, 0)
        if not self.options.allows(errors, counts.read):
            return "too_many_errors"
        return "no_valid_rows" if counts.read == counts.rejected else None

    def as_json(self) -> str:
        """The forecast on one line."""
        document: dict[str, Any] = {
            "file": str(self.path),
            "exitCode": self.exit_code.value,
            "failure": self.failure,
            "forecast": self.forecast,
        }
        return msgspec.json.encode(document).decode()

    def lines(self) -> Iterator[str]:
        """What the import would do, one thing a line."""
        told, counts = self.forecast, self.forecast.counts
        if self.failure:
            yield f"the import would fail: {self.failure}"
        yield "columns: " + ", ".join(f"{ours} is {name!r}" for ours, name in told.columns.items())
        yield (
            f"{counts.read:,} rows: {counts.inserted:,} to insert, {counts.replaced:,} to replace, "
            f"{counts.unchanged:,} unchanged, {counts.rejected:,} to reject"
        )
        if told.first_ts and told.last_ts:
            yield told_range(told.first_ts, told.last_ts)
        if counts.rejected:
            yield "to reject: " + ", ".join(f"{n:,} {code}" for code, n in told.rejects.items())
            yield "the first: " + "; ".join(told.first_rejects)
        yield (
            f"repeated in the file: {told.repeated.equal:,} rows with the same value, "
            f"{told.repeated.different:,} with another"
        )
        yield (
            f"against stored readings: {told.stored.new:,} new, {told.stored.equal:,} equal, "
            f"{told.stored.different:,} different"
        )
        yield self._retention()
        yield f"to refresh: {told.hours:,} hourly and {told.days:,} daily buckets"

    def _retention(self) -> str:
        if self.forecast.horizon is None:
            return "retention: no row is too old"
        below = self.forecast.rejects.get(RejectCode.BELOW_RETENTION, 0)
        return f"retention: {below:,} rows before {self.forecast.horizon.isoformat(sep=' ')}"


async def forecast(dry_run: DryRun, path: Path, display: Display) -> DryOutcome:
    """Rehearse the import of a file. Raises NotCsvError, FileFaultError or OSError."""
    extension_of(path.name)
    display.begin(path, JUDGING)
    work = replace(dry_run.work, storage=_folder_of(path))
    claim = Claim(
        NO_IMPORT,
        path.name,
        ImportState.LOADING,
        attempt=1,
        tries=1,
        lines_done=0,
        rows_rejected=0,
        started_at=utc_now(),
        options=dry_run.options,
    )
    return DryOutcome(path, dry_run.options, await rehearse(work, claim, display.done))


def _folder_of(path: Path) -> Storage:
    return Storage.open(StorageSettings(url=str(path.absolute().parent)))
