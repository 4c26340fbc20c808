"""A CSV import, done in this process as the worker does it, against COPY by psql of the same file.

Both load into the table `readings` with its key and rollups, emptied before each.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

from pydantic import SecretStr
from rich.progress import track

from bench.measure import Bench, Result, seconds
from bench.runs import console
from bench.table import copy_by_psql, empty, require_no_readings, rows_in_order_of_time
from core.database import open_pool
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage, source_key
from jobs.csv_import.load import load
from jobs.csv_import.work import ImportWork
from jobs.rollups.refresh import refresh_dirty_ranges
from jobs.worker import BATCH_LINES, BATCH_STATEMENT_SECONDS

QUIET = "SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs"
HOURLY = """
CREATE TABLE bench_hourly AS
SELECT
    equipment_id, time_bucket('1 hour', ts) AS bucket, sum(value), count(*), min(value),
    max(value), first(value, ts), last(value, ts)
FROM readings GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Times:
    """Seconds that one round took."""

    copy: float
    aggregate: float
    fresh: float
    refresh: float
    again: float
    half: float


@dataclass(frozen=True)
class Importing:
    """A worker's equipment, the file, and the half of its rows."""

    work: ImportWork
    file: Path
    half: Path

    async def round(self) -> Times:
        """Each scenario once, one after another."""
        copy, aggregate = await self._baseline()
        await empty(self.work.pool)
        fresh, refresh = await self._import()
        again, _ = await self._import()
        await empty(self.work.pool)
        await self._copy(self.half)
        half, _ = await self._import()
        return Times(copy, aggregate, fresh, refresh, again, half)

    async def _baseline(self) -> tuple[float, float]:
        await empty(self.work.pool)
        copy = await seconds(self._copy(self.file))
        aggregate = await seconds(self.work.pool.execute(HOURLY))
        await self.work.pool.execute("DROP TABLE bench_hourly")
        return copy, aggregate

    async def _copy(self, file: Path) -> None:
        await copy_by_psql(self.work.database.url.get_secret_value(), file)

    async def _import(self) -> tuple[float, float]:
        """Seconds of the load, and of the refresh after it."""
        import_id = uuid4()
        key = source_key(import_id, ".csv")
        await self.work.storage.put(key, self.file.read_bytes())
        await self.work.pool.execute(
            "INSERT INTO imports (id, file_name, object_key, size_bytes, created_by, state) "
            "VALUES ($1, 'bench.csv', $2, 0, 'bench', 'queued')",
            import_id,
            key,
        )
        claim = await self.work.imports.claim(import_id)
        if claim is None:
            raise RuntimeError("another worker has taken the import")
        loading = await seconds(load(self.work, claim))
        await self.work.imports.begin_aggregating(claim)
        refreshing = await seconds(refresh_dirty_ranges(self.work.database))
        await self.work.imports.finish(claim)
        return loading, refreshing


async def csv_import(bench: Bench) -> list[Result]:
    """Rows/s of a new file, of one loaded before, of one half there; seconds until visible."""
    rows, folder = bench.plan.import_rows, bench.stack.data_dir
    settings = DatabaseSettings(
        url=SecretStr(bench.stack.database_url), statement_timeout_seconds=BATCH_STATEMENT_SECONDS
    )
    async with await open_pool(settings) as pool:
        await require_no_readings(pool)
        await pool.execute(QUIET)
        work = ImportWork(
            Storage.open(StorageSettings(url=str(folder / "bench"))),
            settings,
            WorkerSettings(),
            ReadingSettings(),
            asyncio.Event(),
            BATCH_LINES,
            pool,
        )
        importing = Importing(work, *write_files(folder, rows))
        turns = track(range(bench.plan.runs), "Rounds", console=console)
        rounds = [await importing.round() for _ in turns]
        await empty(pool)
    return results(rounds, rows)


def results(rounds: list[Times], rows: int) -> list[Result]:
    """The medians, as rates against psql's, and until visible in seconds."""

    def rate(time: Callable[[Times], float]) -> float:
        return rows / median(map(time, rounds))

    copy = rate(lambda times: times.copy)
    name = "psql \\copy into the empty table"
    return [
        Result("import, fresh", "rows/s", rate(lambda times: times.fresh), copy, name),
        Result("import, unchanged", "rows/s", rate(lambda times: times.again), copy, name),
        Result("import, half there", "rows/s", rate(lambda times: times.half), copy, name),
        Result(
            "import until visible",
            "s",
            median(times.fresh + times.refresh for times in rounds),
            median(times.copy + times.aggregate for times in rounds),
            "psql \\copy and CREATE TABLE AS of the hours",
        ),
    ]


def write_files(folder: Path, rows: int) -> tuple[Path, Path]:
    """The file, and one with every second of its rows."""
    frame = rows_in_order_of_time(rows)
    file, half = folder / "bench.csv", folder / "half.csv"
    frame.write_csv(file)
    frame.gather_every(2).write_csv(half)
    return file, half
