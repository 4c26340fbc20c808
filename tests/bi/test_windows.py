"""The windows at the instants where hours and days begin, and what a month of hours reads."""

import re
from datetime import datetime, timedelta

import pytest

from core.database import Pool
from tests.api.stored import HOUR, insert, refresh, this_hour

DAY = timedelta(days=1)
WINDOWS = {"24h": 24, "48h": 48, "1w": 168, "1m": 720}


@pytest.mark.parametrize(("interval", "hours"), WINDOWS.items())
async def test_a_window_has_its_hours_and_not_the_cut_one(
    pool: Pool, interval: str, hours: int
) -> None:
    """A reading in each hour around the window, so that one hour more or less shows."""
    end = this_hour() + HOUR
    await insert(pool, *(("a", end - (n + 0.5) * HOUR, 1.0) for n in range(-2, hours + 30)))
    row = await pool.fetchrow(f"SELECT * FROM bi.window_{interval}")
    assert row is not None
    assert row["end_time"] - row["start_time"] == hours * HOUR
    assert row["end_time"] in {end, end + HOUR}  # an hour may begin while the test runs
    assert row["sample_count"] == row["total_value"] == hours


async def plan(pool: Pool, statement: str, *parameters: object) -> str:
    rows = await pool.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement}", *parameters)
    return "\n".join(row[0] for row in rows)


async def history(pool: Pool) -> tuple[datetime, datetime]:
    """Forty days of one equipment, materialised but for the last two hours."""
    now = this_hour()
    await insert(pool, *(("a", now - n * 6 * HOUR, 1.0) for n in range(160)))
    for rollup in ("readings_1h", "readings_1d"):
        await refresh(pool, now - 41 * DAY, now.replace(hour=0), rollup)
    return now - 35 * DAY, now - 5 * DAY


async def test_a_month_of_hours_reads_the_materialised_rollup(pool: Pool) -> None:
    start, end = await history(pool)
    lines = await plan(
        pool,
        "SELECT time, average FROM bi.readings_1h WHERE time >= $1 AND time < $2",
        start,
        end,
    )
    read = {
        name
        for line in lines.splitlines()
        if "never executed" not in line and "rows=0 " not in line
        for name in re.findall(r"_hyper_\d+_\d+_chunk", line)
    }
    raw = await pool.fetch(
        "SELECT chunk_name FROM timescaledb_information.chunks WHERE hypertable_name = 'readings'"
    )
    assert read
    assert not read & {row[0] for row in raw}


@pytest.mark.parametrize("view", ["readings", "readings_1h", "readings_1d", "window_1w"])
async def test_descriptions_are_joined_only_where_a_query_names_them(pool: Pool, view: str) -> None:
    await history(pool)
    without = await plan(pool, f"SELECT count(*), max(equipment_id) FROM bi.{view}")
    assert " on equipment " not in without
    assert " on equipment " in await plan(pool, f"SELECT equipment_id, name FROM bi.{view}")
