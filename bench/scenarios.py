"""The two hot paths of requests, each against the plainest way to the same database."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from statistics import median

import asyncpg
import httpx2

from bench.measure import Result, medians_in_turns, seconds

RUNS = 5
CONNECTIONS = 16
REQUESTS = 1_000
EQUIPMENT = 200
QUERIES = 100

# The same key and the same chunks as readings, so that only the way in differs.
BASELINE_TABLE = """
DROP TABLE IF EXISTS bench_readings;
CREATE TABLE bench_readings (LIKE readings INCLUDING DEFAULTS);
SELECT create_hypertable('bench_readings', by_range('ts', INTERVAL '7 days'));
ALTER TABLE bench_readings ADD PRIMARY KEY (equipment_id, ts);
"""


@dataclass(frozen=True)
class Bench:
    """What every scenario works with: the API as a signed-in client, and the bare database."""

    http: httpx2.AsyncClient
    pool: "asyncpg.Pool[asyncpg.Record]"


Scenario = Callable[[Bench], Awaitable[Result]]
numbers = count()


async def single_post(bench: Bench) -> Result:
    """POST /sensor-data one reading a request, against one INSERT a statement."""
    ours, bare = await medians_in_turns(
        RUNS,
        lambda: _rate(partial(_post_one, bench)),
        lambda: _rate(partial(_insert_one, bench)),
    )
    return Result("single POST", "requests/s", ours, bare, "one INSERT a statement, asyncpg")


async def aggregate_query(bench: Bench) -> Result:
    """GET the last 24 h over HTTP, against its bare SQL."""
    ours, bare = await medians_in_turns(
        RUNS,
        lambda: _median_milliseconds(partial(_get_aggregated, bench)),
        lambda: _median_milliseconds(partial(_select_aggregated, bench)),
    )
    return Result("aggregate query, 24 h", "ms (median)", ours, bare, "bare SQL, asyncpg")


SCENARIOS: dict[str, Scenario] = {
    "post": single_post,
    "aggregate": aggregate_query,
}


async def _rate(one: Callable[[], Awaitable[object]]) -> float:
    """How often a second `one` ran to its end, over a fixed number of times and connections."""

    async def connection() -> None:
        for _ in range(REQUESTS // CONNECTIONS):
            await one()

    took = await seconds(asyncio.gather(*(connection() for _ in range(CONNECTIONS))))
    return REQUESTS // CONNECTIONS * CONNECTIONS / took


def _next_reading() -> tuple[str, datetime, float]:
    number = next(numbers)
    moment = datetime.now(UTC) - timedelta(milliseconds=number)
    return f"BENCH-{number % EQUIPMENT}", moment, float(number)


async def _post_one(bench: Bench) -> None:
    equipment_id, moment, value = _next_reading()
    reading = {"equipmentId": equipment_id, "timestamp": moment.isoformat(), "value": value}
    (await bench.http.post("/sensor-data", json=reading)).raise_for_status()


async def _insert_one(bench: Bench) -> None:
    await bench.pool.execute(
        "INSERT INTO bench_readings (equipment_id, ts, value) VALUES ($1, $2, $3)",
        *_next_reading(),
    )


async def _median_milliseconds(one: Callable[[], Awaitable[object]]) -> float:
    return median([await seconds(one()) for _ in range(QUERIES)]) * 1000


async def _get_aggregated(bench: Bench) -> None:
    answer = await bench.http.get("/sensor-data/aggregated", params={"interval": "24h"})
    answer.raise_for_status()


async def _select_aggregated(bench: Bench) -> None:
    await bench.pool.fetch(
        "SELECT * FROM readings_1h WHERE bucket >= now() - INTERVAL '24 hours' AND bucket <= now()"
    )
