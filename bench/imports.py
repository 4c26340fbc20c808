"""A CSV import, handed to the stack's worker, against COPY by psql of the same file.

Both load into the table `readings` with its key and rollups, emptied before each.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

from pydantic import SecretStr
from rich.progress import track

from bench.by_worker import Took, import_object
from bench.measure import Bench, Result, seconds
from bench.runs import console
from bench.table import copy_by_psql, empty, require_no_readings, rows_in_order_of_time
from core.database import Pool, open_pool
from core.settings import DatabaseSettings, StorageSettings
from core.storage import Storage, source_key

STATEMENT_SECONDS = 600  # the baseline is one statement over the whole table
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
    """The durations of one round, in seconds."""

    copy: float
    aggregate: float
    fresh: Took
    unchanged: Took
    half: Took


@dataclass(frozen=True)
class Importing:
    """The database, the storage of its worker, the file, and a file with half of its rows."""

    pool: Pool
    database_url: str
    storage: Storage
    file: Path
    half: Path

    async def round(self) -> Times:
        """Run each scenario once, one after another."""
        copy = await self.copy()
        aggregate = await self._aggregate()
        fresh = await self.fresh()
        unchanged = await self._import()
        await empty(self.pool)
        await copy_by_psql(self.database_url, self.half)
        half = await self._import()
        return Times(copy, aggregate, fresh, unchanged, half)

    async def copy(self) -> float:
        """Seconds of psql, into the emptied table."""
        await empty(self.pool)
        return await seconds(copy_by_psql(self.database_url, self.file))

    async def fresh(self) -> Took:
        """Import into the emptied table."""
        await empty(self.pool)
        return await self._import()

    async def _aggregate(self) -> float:
        aggregate = await seconds(self.pool.execute(HOURLY))
        await self.pool.execute("DROP TABLE bench_hourly")
        return aggregate

    async def _import(self) -> Took:
        import_id = uuid4()
        key = source_key(import_id, ".csv")
        await self.storage.put(key, self.file.read_bytes())
        took = await import_object(self.pool, import_id, key)
        await self.storage.delete([key])
        return took


async def csv_import(bench: Bench) -> list[Result]:
    """Rows/s of a new file, of one loaded before, of one half there; seconds until visible."""
    rows = bench.plan.import_rows
    async with importing(bench, rows) as rounds_of:
        turns = track(range(bench.plan.runs), "Rounds", console=console)
        rounds = [await rounds_of.round() for _ in turns]
    return results(rounds, rows)


@asynccontextmanager
async def importing(bench: Bench, rows: int) -> AsyncIterator[Importing]:
    """Files of so many rows, and a database that is empty before and after."""
    stack = bench.stack
    settings = DatabaseSettings(
        url=SecretStr(stack.database_url), statement_timeout_seconds=STATEMENT_SECONDS
    )
    async with await open_pool(settings) as pool:
        await require_no_readings(pool)
        await pool.execute(QUIET)
        storage = Storage.open(StorageSettings(url=stack.storage_url))
        files = write_files(stack.data_dir, rows)
        yield Importing(pool, stack.database_url, storage, *files)
        await empty(pool)


def results(rounds: list[Times], rows: int) -> list[Result]:
    """The medians, as rates against psql's, and until visible in seconds."""

    def rate(time: Callable[[Times], float]) -> float:
        return rows / median(map(time, rounds))

    copy = rate(lambda times: times.copy)
    name = "psql \\copy into the empty table"
    return [
        Result("import, fresh", "rows/s", rate(lambda times: times.fresh.loaded), copy, name),
        Result(
            "import, unchanged", "rows/s", rate(lambda times: times.unchanged.loaded), copy, name
        ),
        Result("import, half there", "rows/s", rate(lambda times: times.half.loaded), copy, name),
        Result(
            "import until visible",
            "s",
            median(times.fresh.visible for times in rounds),
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
