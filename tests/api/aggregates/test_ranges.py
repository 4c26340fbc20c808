"""Ranges, resolutions, groups, statistics and pages of the aggregates."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from core.database import Pool
from tests.api.http.test_problem_details import assert_problem
from tests.api.stored import HOUR, enter, insert, refresh, this_hour

PATH = "/sensor-data/aggregated"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def span(start: datetime, end: datetime) -> dict[str, str]:
    return {"from": start.isoformat(), "to": end.isoformat()}


async def get(client: httpx2.AsyncClient, **parameters: Any) -> dict[str, Any]:
    response = await client.get(PATH, params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def starts(answer: dict[str, Any]) -> list[datetime]:
    return [datetime.fromtimestamp(item["intervalStart"], UTC) for item in answer["items"]]


async def pages(client: httpx2.AsyncClient, **parameters: Any) -> AsyncIterator[dict[str, Any]]:
    page = await get(client, **parameters)
    yield page
    while page["nextCursor"]:
        page = await get(client, **parameters, cursor=page["nextCursor"])
        yield page


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("interval=24h&speed=1", "speed", "unknown_parameter"),
        ("interval=24h&Limit=1", "Limit", "unknown_parameter"),
        ("interval=24h&interval=24h", "interval", "repeated_parameter"),
        ("interval=24h&from=2026-01-01T00:00:00Z", "interval", "validation_error"),
        ("from=2026-01-01T00:00:00Z", "to", "missing_value"),
        ("to=2026-01-01T00:00:00Z", "from", "missing_value"),
        ("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to", "validation_error"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to", "validation_error"),
        ("from=2026-01-01T00:00:00&to=2026-01-02T00:00:00Z", "from", "bad_timestamp"),
        ("from=2026-02-30T00:00:00Z&to=2026-03-02T00:00:00Z", "from", "bad_timestamp"),
        ("from=0001-01-01T00:00:00%2B10:00&to=2026-03-02T00:00:00Z", "from", "bad_timestamp"),
        ("from=2026-01-01T00:00:00+01:00&to=2026-01-02T00:00:00Z", "from", "bad_timestamp"),
        ("interval=24h&equipmentId=", "equipmentId", "missing_value"),
        ("interval=24h&equipmentId=a%00b", "equipmentId", "bad_text"),
        (f"interval=24h&equipmentId={'x' * 256}", "equipmentId", "too_long"),
        ("interval=24h&resolution=2h", "resolution", "validation_error"),
        ("interval=24h&groupBy=hour", "groupBy", "validation_error"),
        ("interval=24h&statistics=median", "statistics", "validation_error"),
        ("interval=24h&statistics=", "statistics", "validation_error"),
        ("interval=24h&groupBy=all&statistics=first", "statistics", "validation_error"),
        ("interval=24h&limit=0", "limit", "validation_error"),
        ("interval=24h&limit=10001", "limit", "validation_error"),
        ("interval=24h&limit=1e3", "limit", "validation_error"),
        ("interval=24h&cursor=none", "cursor", "invalid_cursor"),
    ],
)
async def test_an_invalid_parameter_is_rejected_by_name(
    client: httpx2.AsyncClient, query: str, field: str, code: str
) -> None:
    problem = assert_problem(await client.get(f"{PATH}?{query}"), 400, code)
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [(field, code)]
    assert field in problem["message"]


async def test_all_invalid_parameters_are_named_at_once(client: httpx2.AsyncClient) -> None:
    response = await client.get(f"{PATH}?interval=2h&limit=x&speed=1&groupBy=none")
    problem = assert_problem(response, 400, "validation_error")
    fields = {error["field"] for error in problem["errors"]}
    assert fields == {"interval", "limit", "speed", "groupBy"}


async def test_a_range_holds_the_buckets_that_start_in_it(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    hours = [NOON + hour * HOUR for hour in range(-1, 4)]
    await insert(pool, *(("a", hour + 59 * MINUTE, 1) for hour in hours))
    for start, end, inside in (
        (NOON, NOON + HOUR, hours[1:2]),
        (NOON + MINUTE, NOON + 2 * HOUR, hours[2:3]),
        (NOON, NOON + HOUR + MINUTE, hours[1:3]),
        (NOON + MINUTE, NOON + HOUR, []),
    ):
        answer = await get(client, **span(start, end), resolution="1h")
        assert starts(answer) == inside
        assert answer["totalCount"] == len(inside)


async def test_an_offset_is_honoured_and_the_requested_range_returned(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", NOON, 1))
    parameters = {"from": "2026-03-10T17:45:00+05:45", "to": "2026-03-10T13:00:00Z"}
    answer = await get(client, **parameters, resolution="1h")
    assert starts(answer) == [NOON]
    returned = [datetime.fromisoformat(answer[name]) for name in ("from", "to")]
    assert returned == [NOON, NOON + HOUR]
    assert "interval" not in answer


@pytest.mark.parametrize(
    ("resolution", "minutes"), [("1m", 1), ("5m", 5), ("15m", 15), ("1h", 60), ("1d", 1440)]
)
async def test_each_resolution_has_buckets_of_its_width(
    client: httpx2.AsyncClient, pool: Pool, resolution: str, minutes: int
) -> None:
    day, width = NOON.replace(hour=0), timedelta(minutes=minutes)
    last_inside = day + width - timedelta(microseconds=1)
    await insert(pool, ("a", day, 5), ("a", last_inside, 1), ("a", day + width, 8))
    answer = await get(client, **span(day, day + MINUTE), resolution=resolution)
    assert answer["resolution"] == resolution
    assert answer["items"] == [
        {
            "equipmentId": "a",
            "intervalStart": int(day.timestamp()),
            "totalValue": 6,
            "sampleCount": 2,
            "average": 3,
            "minimum": 1,
            "maximum": 5,
            "first": 5,
            "last": 1,
        }
    ]


@pytest.mark.parametrize(
    ("length", "resolution"),
    [
        (timedelta(hours=6), "1m"),
        (timedelta(days=1), "5m"),
        (timedelta(days=3), "15m"),
        (timedelta(days=31), "1h"),
        (timedelta(days=31, microseconds=1), "1d"),
        (timedelta(days=36_600), "1d"),
    ],
)
async def test_auto_resolution_depends_on_the_length_of_the_range_and_is_returned(
    client: httpx2.AsyncClient, length: timedelta, resolution: str
) -> None:
    for parameters in ({}, {"resolution": "auto"}):
        answer = await get(client, **span(NOON - length, NOON), **parameters)
        assert answer["resolution"] == resolution


@pytest.mark.parametrize(
    ("resolution", "days", "remedy"),
    [
        ("1m", 1, "ask for 5m or coarser"),
        ("5m", 7, "ask for 15m or coarser"),
        ("15m", 31, "ask for 1h or coarser"),
        ("1h", 366, "ask for 1d or coarser"),
        ("1d", 36_600, "ask for a shorter range"),
    ],
)
async def test_a_range_too_long_is_rejected_with_the_limit_and_what_fits(
    client: httpx2.AsyncClient, resolution: str, days: int, remedy: str
) -> None:
    start = NOON - timedelta(days=days)
    await get(client, **span(start, NOON), resolution=resolution)
    longer = span(start - timedelta(microseconds=1), NOON)
    response = await client.get(PATH, params={**longer, "resolution": resolution})
    problem = assert_problem(response, 400, "range_too_long")
    message = f"resolution {resolution} is answered over at most {days} days; {remedy}"
    assert problem["message"] == message


async def test_equipment_is_chosen_by_ids_and_prefixes_and_counts_once(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    names = ["pump-1", "pump-2", "pump_3", "fan-1", "100%", "Pump-4"]
    await insert(pool, *((name, NOON, 1) for name in names))
    for equipment, chosen in (
        (["fan-1"], ["fan-1"]),
        (["fan-1", "fan-1", "none"], ["fan-1"]),
        (["pump-*"], ["pump-1", "pump-2"]),
        (["pump_*", "pump-1"], ["pump-1", "pump_3"]),
        (["pump-*", "pump-1", "pump*"], ["pump-1", "pump-2", "pump_3"]),
        (["100%*", "%*", "_*"], ["100%"]),
        (["*"], names),
    ):
        for resolution in ("1m", "1h", "1d"):
            span_ = span(NOON.replace(hour=0), NOON.replace(hour=0) + DAY)
            answer = await get(client, **span_, resolution=resolution, equipmentId=equipment)
            assert {item["equipmentId"] for item in answer["items"]} == set(chosen)
            assert answer["totalCount"] == len(chosen)


@pytest.mark.parametrize("resolution", ["15m", "1h", "1d"])
async def test_grouped_by_all_a_bucket_is_of_all_chosen_equipment(
    client: httpx2.AsyncClient, pool: Pool, resolution: str
) -> None:
    day = NOON.replace(hour=0)
    await insert(pool, ("a", day, 5), ("b", day, 1), ("c", day, 100), ("b", day + DAY, 7))
    answer = await get(
        client,
        **span(day, day + 2 * DAY),
        resolution=resolution,
        groupBy="all",
        equipmentId=["a", "b*"],
    )
    assert answer["items"][0] == {
        "intervalStart": int(day.timestamp()),
        "totalValue": 6,
        "sampleCount": 2,
        "average": 3,
        "minimum": 1,
        "maximum": 5,
    }
    assert starts(answer) == [day, day + DAY]
    assert (answer["average"], answer["totalCount"]) == (13 / 3, 3)


async def test_only_the_requested_statistics_are_returned(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", NOON, 5), ("a", NOON + MINUTE, 1))
    answer = await get(
        client, **span(NOON, NOON + HOUR), resolution="1h", statistics="range,count,last"
    )
    key = {"equipmentId": "a", "intervalStart": int(NOON.timestamp())}
    assert answer["items"] == [{**key, "range": 4, "sampleCount": 2, "last": 1}]
    assert (answer["average"], answer["totalCount"]) == (3, 2)


@pytest.mark.parametrize("resolution", ["1m", "1h"])
@pytest.mark.parametrize("grouping", ["equipment", "all"])
async def test_pages_together_hold_everything_and_each_has_the_totals(
    client: httpx2.AsyncClient, pool: Pool, resolution: str, grouping: str
) -> None:
    timestamps = [NOON + hour * HOUR for hour in range(3)]
    await insert(pool, *((name, timestamp, 2) for timestamp in timestamps for name in "abcd"))
    parameters = {**span(NOON, NOON + 3 * HOUR), "resolution": resolution, "groupBy": grouping}
    whole = await get(client, **parameters)
    assert whole["nextCursor"] is None
    for limit in (1, 5, len(whole["items"])):
        items: list[Any] = []
        async for page in pages(client, **parameters, limit=limit):
            assert len(page["items"]) <= limit
            assert (page["average"], page["totalCount"]) == (2, 12)
            items += page["items"]
        assert items == whole["items"] != []


async def test_pages_of_a_window_are_of_the_window_of_the_first(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, *((name, this_hour() - HOUR, 1) for name in "abc"))
    results = [page async for page in pages(client, interval="24h", limit=2)]
    assert [len(page["items"]) for page in results] == [2, 1]
    assert results[0]["to"] == results[1]["to"]
    assert results[0]["asOf"] < results[1]["asOf"]


async def test_a_cursor_of_another_range_is_rejected(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", NOON, 1), ("b", NOON, 1))
    page = await get(client, **span(NOON, NOON + HOUR), resolution="1h", limit=1)
    for other in (
        {**span(NOON, NOON + 2 * HOUR), "resolution": "1h"},
        {**span(NOON, NOON + HOUR), "resolution": "1m"},
        {"interval": "24h"},
    ):
        response = await client.get(PATH, params={**other, "cursor": page["nextCursor"]})
        assert_problem(response, 400, "invalid_cursor")


async def test_a_window_has_no_pages_unless_it_is_finer_than_hours(
    client: httpx2.AsyncClient,
) -> None:
    assert "nextCursor" not in await get(client, interval="1w", resolution="1d")
    assert (await get(client, interval="1w", resolution="5m"))["nextCursor"] is None


async def test_stale_ranges_are_those_under_the_buckets_and_raw_rows_are_never_stale(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    day = NOON.replace(hour=0)
    await insert(pool, ("a", day, 1), ("a", day + 3 * DAY, 1))
    await refresh(pool, day - DAY, day + 3 * DAY)
    await refresh(pool, day - DAY, day + 3 * DAY, "readings_1d")
    await enter(pool, day + 5 * HOUR, day + 6 * HOUR)
    for start, resolution, stale in (
        (day, "1h", 1),
        (day + 6 * HOUR, "1h", 0),
        (day, "1d", 1),
        (day + 6 * HOUR, "1d", 0),
        (day, "15m", 0),
    ):
        answer = await get(client, **span(start, day + 2 * DAY), resolution=resolution)
        assert len(answer["staleRanges"]) == stale
