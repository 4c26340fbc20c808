"""The table `readings`, for scenarios that need it exclusively."""

import asyncio
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import typer

from core.database import Pool

EMPTY = (
    "UPDATE partial_hours_range SET start_ts = DEFAULT, end_ts = DEFAULT, announced_end = DEFAULT",
    "TRUNCATE partial_hours, pending_readings",
    "TRUNCATE readings",
    "TRUNCATE readings_1h",
    "TRUNCATE readings_1d",
    "TRUNCATE rollup_dirty_ranges",
    "TRUNCATE data_changes, data_versions",
    "CHECKPOINT",
)
IDS = 1_000
DAYS = 30
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAY_MICROSECONDS = 86_400_000_000


async def require_no_readings(pool: Pool) -> None:
    """Raise typer.BadParameter when the database has readings, which would be lost."""
    if await pool.fetchval("SELECT EXISTS(SELECT FROM readings)"):
        raise typer.BadParameter("The database has readings: give one that may be emptied.")


async def empty(pool: Pool) -> None:
    """Delete every reading."""
    for statement in EMPTY:
        await pool.execute(statement)


async def copy_by_psql(database_url: str, file: Path) -> None:
    """Load a CSV file as a person would."""
    command = f"\\copy readings (equipment_id, ts, value) from '{file}' with (format csv, header)"
    await asyncio.to_thread(subprocess.run, ["psql", database_url, "-qc", command], check=True)


def rows_in_order_of_time(rows: int, first: int = 0, end: int | None = None) -> pl.DataFrame:
    """Readings of 1,000 ids over 30 days, every id at each timestamp, with the API's column names.

    Of these `rows` the ones from number `first` to before `end`.
    """
    number = pl.int_range(first, rows if end is None else end)
    step = DAYS * DAY_MICROSECONDS * IDS // rows
    timestamp = pl.lit(FIRST_DAY) + pl.duration(microseconds=number // IDS * step)
    return pl.select(
        equipmentId=pl.format("EQ-{}", (number % IDS).cast(pl.String).str.zfill(4)),
        timestamp=timestamp.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        value=(number * 7919 % 100_000) / 8,
    )
