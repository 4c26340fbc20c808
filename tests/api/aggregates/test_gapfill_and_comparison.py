"""Gap filling, and comparison with earlier ranges by the calendar."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from api.aggregates.gapfill import MAX_FILLED_BUCKETS
from core.database import Pool
from tests.api.http.test_problem_details import assert_problem
from tests.api.stored import HOUR, insert

PATH = "/sensor-data/aggregated"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def span(start: datetime, end: datetime) -> dict[str, str]:
    return {"from": start.isoformat(), "to": end.isoformat()}


async def get(client: httpx2.AsyncClient, **parameters: Any) -> dict[str, Any]:
    response = await client.get(PATH, params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def hours(client: httpx2.AsyncClient, count: int, **parameters: Any) -> dict[str, Any]:
    return await get(client, **span(NOON, NOON + count * HOUR), resolution="1h", **parameters)


@pytest.mark.parametrize(
    ("fill", "averages"),
    [
        ("none", [10, 40]),
        ("null", [None, 10, None, None, 40, None]),
        ("previous", [None, 10, 10, 10, 40, 40]),
        ("linear", [None, 10, 20, 30, 40, None]),
    ],
)
async def test_a_gap_is_filled_as_requested(
    client: httpx2.AsyncClient, pool: Pool, fill: str, averages: list[float | None]
) -> None:
    await insert(pool, ("a", NOON + HOUR, 10), ("a", NOON + 4 * HOUR, 40))
    answer = await hours(client, 6, fill=fill, statistics="average,total,count,range")
    assert [item["average"] for item in answer["items"]] == averages
    filled = [item for item in answer["items"] if not item["sampleCount"]]
    assert {item["totalValue"] for item in filled} <= {None}
    assert (answer["average"], answer["totalCount"]) == (25, 2)


async def test_every_equipment_that_has_readings_is_filled_page_by_page(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", NOON, 1), ("b", NOON + 2 * HOUR, 2), ("c", NOON - HOUR, 3))
    parameters: dict[str, Any] = {"fill": "previous", "limit": 4}
    pages = [await hours(client, 3, **parameters)]
    while cursor := pages[-1]["nextCursor"]:
        pages.append(await hours(client, 3, **parameters, cursor=cursor))
    assert [len(page["items"]) for page in pages] == [4, 2]
    averages = [(item["equipmentId"], item["average"]) for page in pages for item in page["items"]]
    assert averages == [("a", 1), ("b", None), ("a", 1), ("b", None), ("a", 1), ("b", 2)]
    assert {page["totalCount"] for page in pages} == {2}


async def test_grouped_by_all_there_is_one_series_to_fill(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", NOON, 1), ("b", NOON + 2 * HOUR, 3))
    answer = await hours(client, 3, fill="linear", groupBy="all")
    assert [item["average"] for item in answer["items"]] == [1, 2, 3]
    assert (await hours(client, 1, fill="null", equipmentId="none"))["items"] == []


async def test_more_than_can_be_filled_is_rejected_with_the_resolution_that_fits(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    names = [f"e{number}" for number in range(300)]
    await insert(pool, *((name, NOON, 1) for name in names))
    month = span(NOON - 30 * DAY, NOON + HOUR)
    response = await client.get(PATH, params={**month, "resolution": "1h", "fill": "null"})
    problem = assert_problem(response, 400, "range_too_long")
    assert str(MAX_FILLED_BUCKETS) in problem["message"]
    assert "ask for 1d or coarser" in problem["message"]
    assert (await get(client, **month, resolution="1d", fill="null"))["totalCount"] == 300


NEW_YORK = "America/New_York"

# Zone, resolution, comparison, start of the range, its length in days, and for some of its buckets
# the start of the one they are compared with, all in local time.
CALENDAR = [
    ("UTC", "1d", "1w", "2026-03-10", 2, {"2026-03-10": "2026-03-03"}),
    ("UTC", "1d", "1y", "2024-02-28", 2, {"2024-02-28": "2023-02-28", "2024-02-29": "2023-02-28"}),
    ("UTC", "1d", "previous", "2026-03-10", 3, {"2026-03-10": "2026-03-07"}),
    (
        NEW_YORK,
        "1d",
        "1w",
        "2026-03-08",
        2,
        {"2026-03-08": "2026-03-01", "2026-03-09": "2026-03-02"},
    ),
    (NEW_YORK, "1d", "previous", "2026-03-09", 1, {"2026-03-09": "2026-03-08"}),
    (
        NEW_YORK,
        "1h",
        "previous",
        "2026-03-09",
        1,
        {"2026-03-09T01": "2026-03-08T01", "2026-03-09T02": None, "2026-03-09T03": "2026-03-08T03"},
    ),
    (
        NEW_YORK,
        "1h",
        "1w",
        "2026-11-01",
        1,
        {"2026-11-01T00": "2026-10-25T00", "2026-11-01T23": "2026-10-25T23"},
    ),
    ("America/Sao_Paulo", "1d", "1w", "2018-11-04T01", 1, {"2018-11-04T01": "2018-10-28"}),
    ("America/Sao_Paulo", "1d", "1w", "2018-11-11", 1, {"2018-11-11": "2018-11-04T01"}),
    (
        "Australia/Lord_Howe",
        "1d",
        "1w",
        "2026-04-05",
        2,
        {"2026-04-05": "2026-03-29", "2026-04-06": "2026-03-30"},
    ),
    ("Asia/Kathmandu", "1d", "1y", "2026-03-10", 1, {"2026-03-10": "2025-03-10"}),
    (
        "Pacific/Apia",
        "1d",
        "1y",
        "2012-12-29",
        3,
        {"2012-12-29": "2011-12-29", "2012-12-30": None, "2012-12-31": "2011-12-31"},
    ),
]


@pytest.mark.parametrize("case", CALENDAR)
async def test_buckets_are_compared_by_the_calendar(
    client: httpx2.AsyncClient,
    pool: Pool,
    case: tuple[str, str, str, str, int, dict[str, str | None]],
) -> None:
    zone, resolution, comparison, first, days, pairs = case

    def timestamp(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    start = timestamp(first)
    last = datetime.fromisoformat(first).replace(hour=0) + days * DAY
    # A reading in every bucket that there may be, its timestamp as its value.
    wanted = {text for pair in pairs.items() for text in pair if text}
    await insert(
        pool, *(("a", timestamp(text), timestamp(text).timestamp()) for text in sorted(wanted))
    )
    parameters = span(start, last.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
    answer = await get(client, **parameters, resolution=resolution, tz=zone, compare=comparison)
    items = {item["intervalStart"]: item["compared"] for item in answer["items"]}
    for text, earlier in pairs.items():
        compared = items[int(timestamp(text).timestamp())]
        if earlier is None:
            assert compared is None
        else:
            assert compared["intervalStart"] == compared["first"] == timestamp(earlier).timestamp()


async def test_the_previous_range_has_the_same_length(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", NOON, 4), ("a", NOON - 90 * HOUR / 60, 1), ("b", NOON - HOUR, 7))
    parameters = span(NOON - HOUR / 2, NOON + HOUR / 2)
    answer = await get(client, **parameters, resolution="15m", compare="previous", equipmentId="a")
    earlier = answer["compared"]
    assert datetime.fromisoformat(earlier["from"]) == NOON - 3 * HOUR / 2
    assert datetime.fromisoformat(earlier["to"]) == NOON - HOUR / 2
    assert (earlier["totalCount"], earlier["average"], earlier["staleRanges"]) == (1, 1, [])
    assert [item["compared"] for item in answer["items"]] == [None]


async def test_a_change_in_the_earlier_range_changes_the_tag(
    client: httpx2.AsyncClient,
) -> None:
    body = {"equipmentId": "a", "timestamp": NOON.isoformat(), "value": 1}
    await client.post("/sensor-data", json=body)
    parameters = {**span(NOON + 6 * DAY, NOON + 8 * DAY), "resolution": "1d", "compare": "1w"}
    before = (await client.get(PATH, params=parameters)).headers["etag"]
    await client.post("/sensor-data", json={**body, "value": 2})
    assert (await client.get(PATH, params=parameters)).headers["etag"] != before


@pytest.mark.parametrize("comparison", ["previous", "1w", "1y"])
async def test_a_comparison_outside_the_calendar_is_rejected(
    client: httpx2.AsyncClient, comparison: str
) -> None:
    parameters = {
        "from": "0001-01-02T00:00:00Z",
        "to": "0001-01-04T00:00:00Z",
        "compare": comparison,
    }
    response = await client.get(PATH, params=parameters)
    assert_problem(response, 400, "validation_error")


async def test_auto_is_no_finer_than_the_density_of_readings(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    minutes = [n * timedelta(minutes=1) for n in range(120)]
    await insert(pool, *(("fast", NOON + age, 1) for age in minutes))
    await insert(pool, *(("slow", NOON + age, 1) for age in minutes[::20]))
    parameters = {**span(NOON, NOON + 2 * HOUR), "limit": 10}
    assert (await get(client, **parameters, equipmentId="fast"))["resolution"] == "1m"
    assert (await get(client, **parameters, equipmentId="none"))["resolution"] == "1m"
    page = await get(client, **parameters, equipmentId="slow")
    assert page["resolution"] == "1h"
    more = await get(client, **{**parameters, "limit": 1}, equipmentId="slow")
    rest = await get(client, **parameters, equipmentId="slow", cursor=more["nextCursor"])
    assert rest["resolution"] == "1h"
    assert more["items"] + rest["items"] == page["items"]
