"""A window over all equipment while the running hour fills up, rolled forward and from raw rows."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from bench.answers import QueryTimer
from bench.measure import Bench, Result, least_in_turns
from bench.table import IDS, empty, require_no_readings
from core.database import Pool
from core.time import HOUR, utc_now

RATES = (773, 5_000)  # readings a second: of the hour of mixed load, and several thousand
TURNS = 3
WORKER_SECONDS = 0.5  # between two looks whether it has rolled forward
NAMES = ("all equipment, 24h", "bi.readings_1h, 24h")

# A reading an hour of each id for a day, then so many a second of all for an hour up to now.
FILL = """
INSERT INTO readings (equipment_id, ts, value)
SELECT 'EQ-' || lpad(id::text, 4, '0'), $1::timestamptz + number * $2::interval, id + number / 8.0
FROM generate_series(0, $3::int - 1) AS number, generate_series(0, 999) AS id
"""
REFRESH = "CALL refresh_continuous_aggregate('readings_1h', NULL, $1::timestamptz)"
# As after changes that are in no ledger: nothing is rolled forward for the next minute. What is in
# no ledger is not cached either.
DISTRUST = "INSERT INTO pending_readings (equipment_id, ts) VALUES ('', now())"
ROLLED = "SELECT end_ts > now() - interval '30 seconds' FROM partial_hours_seam"
NOT_ROLLED = "SELECT end_ts = hours_end FROM partial_hours_seam"
VIEW = """
SELECT equipment_id, time, total_value, sample_count, minimum, maximum, first, last
FROM bi.readings_1h WHERE time >= $1 AND time < $2
"""


async def running_hour(bench: Bench) -> list[Result]:
    """The API and the BI view with an hour of readings that no rollup holds."""
    return [result for rate in RATES for result in await _at_rate(bench, rate)]


async def _at_rate(bench: Bench, rate: int) -> list[Result]:
    await require_no_readings(bench.pool)
    timer = QueryTimer(bench)
    try:
        await fill(bench.pool, rate)
        from_raw = [await _from_raw(bench.pool, figure) for figure in _figures(timer, 1)]
        await until(bench.pool, ROLLED)
        rolled = await least_in_turns(TURNS, *_figures(timer, 3))
    finally:
        await empty(bench.pool)
    return [
        Result(f"{name}, after an hour at {rate:,} readings/s", "ms", ours, raw, "from raw rows")
        for name, ours, raw in zip(NAMES, rolled, from_raw, strict=True)
    ]


def _figures(timer: QueryTimer, times: int) -> list[Callable[[], Awaitable[float]]]:
    """Milliseconds of the API and of the view: the median of so many responses."""
    return [partial(timer.http, times, interval="24h"), partial(timer.sql, times, VIEW, 24)]


async def _from_raw(pool: Pool, figure: Callable[[], Awaitable[float]]) -> float:
    """The figure while nothing is rolled forward, for the next minute."""
    await pool.execute(DISTRUST)
    await until(pool, NOT_ROLLED)
    return await figure()


async def fill(pool: Pool, rate: int) -> None:
    """A reading an hour of each id for a day, materialised, then an hour at `rate` a second."""
    now = utc_now()
    materialised = (now - HOUR).replace(minute=0, second=0, microsecond=0)
    await pool.execute(FILL, materialised - 23 * HOUR, HOUR, 23)
    await pool.execute(REFRESH, materialised)
    step = timedelta(seconds=IDS / rate)
    await pool.execute(FILL, now - HOUR, step, HOUR // step)
    await pool.execute(DISTRUST)
    await pool.execute("ANALYZE readings")


async def until(pool: Pool, condition: str) -> None:
    """Wait until the statement is true."""
    while True:
        if await pool.fetchval(condition):
            return
        await asyncio.sleep(WORKER_SECONDS)
