"""GET the last 24 h over HTTP, against its bare SQL."""

from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median

from bench.measure import Bench, Result, medians_in_turns, seconds

QUERIES = 100


async def aggregate_query(bench: Bench) -> list[Result]:
    """Median milliseconds of an answer."""
    ours, bare = await medians_in_turns(
        bench.plan.runs,
        lambda: _median_milliseconds(partial(_get_aggregated, bench)),
        lambda: _median_milliseconds(partial(_select_aggregated, bench)),
    )
    return [Result("aggregate query, 24 h", "ms (median)", ours, bare, "bare SQL, asyncpg")]


async def _median_milliseconds(one: Callable[[], Awaitable[object]]) -> float:
    return median([await seconds(one()) for _ in range(QUERIES)]) * 1000


async def _get_aggregated(bench: Bench) -> None:
    answer = await bench.http.get("/sensor-data/aggregated", params={"interval": "24h"})
    answer.raise_for_status()


async def _select_aggregated(bench: Bench) -> None:
    await bench.pool.fetch(
        "SELECT * FROM readings_1h WHERE bucket >= now() - INTERVAL '24 hours' AND bucket <= now()"
    )
