"""The usual range of equipment, which is computed only where it is requested."""

import re
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import pytest

from api.equipment.usual_range import MIN_USUAL_DAYS, USUAL_DAYS
from core.database import Connection, Pool
from core.queries import all_rows, queries
from core.readings import MAX_MAGNITUDE
from tests.api.aggregates.test_query_plans import Explained
from tests.api.equipment.test_equipment import PATH, get_json, materialise, path_of
from tests.api.http.test_problem_details import assert_problem
from tests.api.stored import HOUR, insert, this_hour

SCANNED = re.compile(r"actual rows=(?P<rows>\d+)(?:\.\d+)? loops=(?P<loops>\d+)")
FIELDS = ("usualMinimum", "usualMaximum")
DAY = timedelta(days=1)
TODAY = this_hour().replace(hour=0)
# One day is far from the others: it must not widen the range.
LOWS = [10.0 + number % 4 for number in range(USUAL_DAYS - 1)] + [-500.0]
HIGHS = [20.0 + number % 7 for number in range(USUAL_DAYS - 1)] + [900.0]


def fences(lows: Sequence[float], highs: Sequence[float]) -> list[float]:
    """Tukey's, by the standard library's quartiles."""
    low = statistics.quantiles(lows, method="inclusive")
    high = statistics.quantiles(highs, method="inclusive")
    return [low[0] - 1.5 * (low[2] - low[0]), high[2] + 1.5 * (high[2] - high[0])]


async def store_days(
    pool: Pool, name: str, lows: Sequence[float], highs: Sequence[float], before: datetime = TODAY
) -> None:
    """A low and a high reading on each of the days before a midnight, the newest day first."""
    for number, (low, high) in enumerate(zip(lows, highs, strict=True), 1):
        day = before - number * DAY
        await insert(pool, (name, day, low), (name, day + 5 * HOUR, high))


async def usual(client: httpx2.AsyncClient, name: str) -> list[Any]:
    """The range that both routes return, in either of them the same."""
    (item,) = (await get_json(client, equipmentId=name, include="usualRange"))["items"]
    details = await get_json(client, path_of(name), include="usualRange")
    assert {**item, **details} == details
    return [item[field] for field in FIELDS]


async def test_the_range_is_that_of_tukeys_fences_over_the_days_before_the_last_reading(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await store_days(pool, "a", [*LOWS, -1e6], [*HIGHS, 1e6])  # the last day is one too many
    await insert(pool, ("a", TODAY, 1e9))
    await materialise(pool, TODAY - 40 * DAY, TODAY)
    assert await usual(client, "a") == pytest.approx(fences(LOWS, HIGHS))


async def test_the_day_of_the_last_reading_does_not_count_even_if_it_is_over(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    silent_since = datetime(2026, 3, 10, tzinfo=UTC)
    await store_days(pool, "a", LOWS, HIGHS, before=silent_since)
    await insert(pool, ("a", silent_since + HOUR, 1e9))
    await materialise(pool, silent_since - 40 * DAY, silent_since + 5 * DAY)
    assert await usual(client, "a") == pytest.approx(fences(LOWS, HIGHS))


async def test_the_range_is_not_known_before_there_are_seven_days(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    for name, days in (("six", MIN_USUAL_DAYS - 1), ("seven", MIN_USUAL_DAYS)):
        await store_days(pool, name, [1.0] * days, [2.0] * days)
        await insert(pool, (name, TODAY, 3))
    await materialise(pool, TODAY - 9 * DAY, TODAY)
    assert await usual(client, "six") == [None, None]
    assert await usual(client, "seven") == [1, 2]


async def test_the_range_is_left_out_where_it_is_not_requested(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", TODAY, 1))
    for body in ((await get_json(client))["items"][0], await get_json(client, path_of("a"))):
        assert not {*FIELDS} & {*body}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("include=everything", "validation_error"),
        ("include=", "validation_error"),
        ("include=usualRange&include=usualRange", "repeated_parameter"),
        ("includes=usualRange", "unknown_parameter"),
    ],
)
async def test_an_invalid_parameter_is_rejected_by_both_routes(
    client: httpx2.AsyncClient, query: str, code: str
) -> None:
    for path in (PATH, path_of("a")):
        assert_problem(await client.get(f"{path}?{query}"), 400, code)


async def test_the_largest_readings_have_a_range_too(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    lows, highs = [-MAX_MAGNITUDE, 1.0] * 4, [MAX_MAGNITUDE, 2.0] * 4
    await store_days(pool, "a", lows, highs)
    await insert(pool, ("a", TODAY, 1))
    await materialise(pool, TODAY - 9 * DAY, TODAY)
    assert await usual(client, "a") == pytest.approx(fences(lows, highs))


async def test_no_more_days_are_read_than_count(pool: Pool) -> None:
    """Of each id, by the index, whatever the length of its history."""
    await pool.execute(
        """
        INSERT INTO readings (equipment_id, ts, value)
        SELECT 'sensor-' || number, $1::timestamptz - day * '1 day'::interval, day
        FROM generate_series(1, 20) AS number, generate_series(0, 300) AS day
        """,
        TODAY,
    )
    await materialise(pool, TODAY - 301 * DAY, TODAY)
    await pool.execute("ANALYZE")
    names = [f"sensor-{number}" for number in range(1, 21)]
    async with pool.acquire() as connection:
        explained = Explained(connection)
        rows = await all_rows(
            queries().usual_quartiles,
            cast("Connection", explained),
            ids=names,
            last_times=[TODAY] * len(names),
            max_days=USUAL_DAYS,
            min_days=MIN_USUAL_DAYS,
        )
    assert len(rows) == len(names)
    scans = [SCANNED.search(line) for line in explained.plan if " on _hyper_" in line]
    read = sum(int(scan["rows"]) * int(scan["loops"]) for scan in scans if scan)
    assert read == USUAL_DAYS * len(names)
