"""Latency of aggregate queries: over HTTP, and as the SQL that a person would write for them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from statistics import median
from urllib.parse import urlencode

from bench.connection import Connection
from bench.load import get_request
from bench.measure import Bench, seconds
from bench.month import month_equipment
from bench.table import IDS
from core.time import utc_now

HTTP_OK = 200
PATH = "/sensor-data/aggregated"
HOURS = """
SELECT equipment_id, bucket, total_value, sample_count, minimum, maximum, first, last
FROM readings_1h WHERE bucket >= $1 AND bucket < $2
"""
HOURS_OF_ONE = f"{HOURS} AND equipment_id = $3"
FROM_RAW = """
SELECT
    time_bucket('1 hour', ts), sum(value), count(*), sum(value) / count(*), min(value), max(value)
FROM readings WHERE ts >= $1 AND ts < $2 GROUP BY 1 ORDER BY 1
"""
FROM_RAW_OF_ONE = """
SELECT
    time_bucket('1 hour', ts), sum(value), count(*), sum(value) / count(*), min(value), max(value),
    first(value, ts), last(value, ts)
FROM readings WHERE ts >= $1 AND ts < $2 AND equipment_id = $3 GROUP BY 1 ORDER BY 1
"""


def equipment(turn: int) -> str:
    """The id for this repetition, a different one each time."""
    return month_equipment(turn * 7 % IDS)


class QueryTimer:
    """Times queries to the stack's API over one connection, and to its database over another."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._connection = Connection(bench.stack.api_url)

    async def http(
        self, times: int, *, one: bool = False, named: Sequence[str] = (), **parameters: str
    ) -> float:
        """Median milliseconds of a response: of the named equipment, or each time of another id."""

        async def request(turn: int) -> None:
            names = [equipment(turn)] if one else named
            path = f"{PATH}?{urlencode(parameters | {'equipmentId': names}, doseq=True)}"
            status = await self._connection.send(get_request(path, self._bench.token))
            if status != HTTP_OK:
                raise RuntimeError(f"{path} returned {status}")

        try:
            return await median_milliseconds(times, request)
        finally:
            self._connection.close()  # before the server does, while readings are loaded

    async def sql(self, times: int, statement: str, hours: int, *, one: bool = False) -> float:
        """Median milliseconds of fetching the rows of the last so many hours."""

        async def fetch(turn: int) -> None:
            now = utc_now()
            named = [equipment(turn)] if one else []
            await self._bench.pool.fetch(statement, now - timedelta(hours=hours), now, *named)

        return await median_milliseconds(times, fetch)


async def median_milliseconds(times: int, one: Callable[[int], Awaitable[None]]) -> float:
    """Median of so many repetitions, each of which is given its number."""
    return median([await seconds(one(turn)) for turn in range(times)]) * 1000
