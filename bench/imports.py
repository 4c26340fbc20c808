"""`make bench-import`: a CSV import against COPY by psql of the same file, in one run.

Both load into the table `readings` with its key and rollups, emptied before each. The database is
SENSORFLOW_BENCH_DATABASE_URL, which must have no readings, else an embedded one.
"""

import asyncio
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import uuid4

import polars as pl
import typer
from pydantic import SecretStr
from rich.progress import track

from bench.measure import Result, seconds
from bench.runs import console, database, save, show
from core.database import open_pool
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage, source_key
from jobs.csv_import.load import load
from jobs.csv_import.work import ImportWork
from jobs.rollups.refresh import refresh_dirty_ranges
from jobs.worker import BATCH_LINES, BATCH_STATEMENT_SECONDS
from migrations.runner import upgrade

FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAY_MICROSECONDS = 86_400_000_000

EMPTY = """
TRUNCATE readings; TRUNCATE readings_1h; TRUNCATE readings_1d; TRUNCATE rollup_dirty_ranges;
CHECKPOINT;
"""
QUIET = "SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs"
HOURLY = """
CREATE TABLE bench_hourly AS
SELECT
    equipment_id, time_bucket('1 hour', ts) AS bucket, sum(value), count(*), min(value),
    max(value), first(value, ts), last(value, ts)
FROM readings GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Shape:
    """How the file is made: rows in order of time, every id at every moment."""

    rows: int
    ids: int
    days: int


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
class Bench:
    """A worker's equipment, the file, and the half of its rows."""

    work: ImportWork
    file: Path
    half: Path

    async def round(self) -> Times:
        """Each scenario once, one after another."""
        copy, aggregate = await self._baseline()
        await self.empty()
        fresh, refresh = await self._import()
        again, _ = await self._import()
        await self.empty()
        await self._copy(self.half)
        half, _ = await self._import()
        return Times(copy, aggregate, fresh, refresh, again, half)

    async def empty(self) -> None:
        """Forget every reading."""
        for statement in filter(str.strip, EMPTY.split(";")):
            await self.work.pool.execute(statement)

    async def _baseline(self) -> tuple[float, float]:
        await self.empty()
        copy = await seconds(self._copy(self.file))
        aggregate = await seconds(self.work.pool.execute(HOURLY))
        await self.work.pool.execute("DROP TABLE bench_hourly")
        return copy, aggregate

    async def _copy(self, file: Path) -> None:
        columns = "readings (equipment_id, ts, value)"
        command = f"\\copy {columns} from '{file}' with (format csv, header)"
        url = self.work.database.url.get_secret_value()
        await asyncio.to_thread(subprocess.run, ["psql", url, "-qc", command], check=True)

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


def main(
    rows: Annotated[int, typer.Option(help="Rows of the file.")] = 2_000_000,
    ids: Annotated[int, typer.Option(help="Pieces of equipment.")] = 1_000,
    days: Annotated[int, typer.Option(help="Days the rows spread over.")] = 30,
    runs: Annotated[int, typer.Option(help="Rounds; medians are told.")] = 5,
) -> None:
    """Measure imports and write one JSON result."""
    shape = Shape(rows, ids, days)
    with TemporaryDirectory() as name, database(Path(name)) as (kind, url):
        save(kind, asyncio.run(measure(url, Path(name), shape, runs)))


async def measure(url: str, folder: Path, shape: Shape, runs: int) -> list[Result]:
    """Run the rounds; each result shown at the end."""
    await upgrade(url)
    settings = DatabaseSettings(
        url=SecretStr(url), statement_timeout_seconds=BATCH_STATEMENT_SECONDS
    )
    async with await open_pool(settings) as pool:
        if await pool.fetchval("SELECT EXISTS(SELECT FROM readings)"):
            raise typer.BadParameter("The database has readings: give one that may be emptied.")
        await pool.execute(QUIET)
        work = ImportWork(
            Storage.open(StorageSettings(url=str(folder / "storage"))),
            settings,
            WorkerSettings(),
            ReadingSettings(),
            asyncio.Event(),
            BATCH_LINES,
            pool,
        )
        bench = Bench(work, *write_files(folder, shape))
        rounds = [await bench.round() for _ in track(range(runs), "Rounds", console=console)]
        await bench.empty()
    return [show(result) for result in results(rounds, shape)]


def results(rounds: list[Times], shape: Shape) -> list[Result]:
    """The medians, as rates against psql's, and until visible in seconds."""

    def rate(time: Callable[[Times], float]) -> float:
        return shape.rows / median(map(time, rounds))

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


def write_files(folder: Path, shape: Shape) -> tuple[Path, Path]:
    """The file, and one with every second of its rows."""
    number = pl.int_range(shape.rows)
    step = shape.days * DAY_MICROSECONDS * shape.ids // shape.rows
    moment = pl.lit(FIRST_DAY) + pl.duration(microseconds=number // shape.ids * step)
    frame = pl.select(
        equipmentId=pl.format("EQ-{}", (number % shape.ids).cast(pl.String).str.zfill(4)),
        timestamp=moment.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        value=(number * 7919 % 100_000) / 8,
    )
    file, half = folder / "bench.csv", folder / "half.csv"
    frame.write_csv(file)
    frame.gather_every(2).write_csv(half)
    return file, half


if __name__ == "__main__":
    typer.run(main)
