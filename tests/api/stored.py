"""Rows that tests insert into the database directly, not through the server."""

from datetime import UTC, datetime, timedelta

from core.database import Pool

HOUR = timedelta(hours=1)


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


async def insert(pool: Pool, *rows: tuple[str, datetime, float]) -> None:
    await pool.executemany(
        "INSERT INTO readings (equipment_id, ts, value) VALUES ($1, $2, $3)", rows
    )


async def refresh(pool: Pool, start: datetime, end: datetime, rollup: str = "readings_1h") -> None:
    await pool.execute(
        f"CALL refresh_continuous_aggregate('{rollup}', $1::timestamptz, $2::timestamptz)",
        start,
        end,
    )


async def roll_until(pool: Pool, age: timedelta) -> None:
    """As if a worker had rolled partial hours forward until so long ago, and no further."""
    await pool.execute(
        "UPDATE partial_hours_range SET start_ts = date_trunc('hour', now() - $1::interval), "
        "end_ts = now() - $1, announced_end = now() - $1",
        age,
    )


async def enter(pool: Pool, start: datetime, end: datetime) -> None:
    await pool.execute(
        "INSERT INTO rollup_dirty_ranges (range_start, range_end) VALUES ($1, $2)", start, end
    )
