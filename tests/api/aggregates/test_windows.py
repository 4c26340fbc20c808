from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from core.database import Pool
from tests.api.stored import HOUR, enter, insert, refresh, this_hour

WINDOWS = {"24h": 24, "48h": 48, "1w": 168, "1m": 720}


async def window(client: httpx2.AsyncClient, interval: str = "24h") -> dict[str, Any]:
    response = await client.get("/sensor-data/aggregated", params={"interval": interval})
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("path", ["/sensor-data/aggregated", "/sensor-data-aggregated"])
@pytest.mark.parametrize(
    "query", ["", "interval=", "interval=2h", "interval=24H", "interval=24h%00", "interval=null"]
)
async def test_an_unknown_interval_is_rejected_with_the_supported_ones(
    client: httpx2.AsyncClient, path: str, query: str
) -> None:
    response = await client.get(f"{path}?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_interval")
    assert response.json()["message"] == ("Invalid interval. Supported values are 24h, 48h, 1w, 1m")


async def test_without_readings_there_is_no_average(client: httpx2.AsyncClient) -> None:
    answer = await window(client)
    assert (answer["average"], answer["totalCount"], answer["items"]) == (None, 0, [])


@pytest.mark.parametrize(("interval", "hours"), WINDOWS.items())
async def test_a_window_holds_the_hours_that_start_in_it(
    client: httpx2.AsyncClient, pool: Pool, interval: str, hours: int
) -> None:
    first_inside = this_hour() - (hours - 1) * HOUR
    await insert(
        pool,
        ("just before", first_inside - timedelta(microseconds=1), 1),
        ("inside", first_inside, 2),
        ("now", this_hour(), 3),
        ("next hour", this_hour() + HOUR, 4),
    )
    answer = await window(client, interval)
    assert {item["equipmentId"] for item in answer["items"]} == {"inside", "now"}
    start, end = (datetime.fromisoformat(answer[key]) for key in ("from", "to"))
    assert end - start == timedelta(hours=hours)
    assert answer["to"] == answer["asOf"]
    assert (answer["interval"], answer["resolution"]) == (interval, "1h")


async def test_an_item_is_one_hour_of_one_equipment_in_order(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    hour = this_hour() - 3 * HOUR
    await insert(
        pool,
        ("b", hour, 5),
        ("b", hour + HOUR / 2, 1),
        ("b", hour + HOUR / 4, 9),
        ("a", hour, 2),
        ("c", hour - HOUR, 100),
    )
    answer = await window(client)
    assert [(item["equipmentId"], item["intervalStart"]) for item in answer["items"]] == [
        ("c", (hour - HOUR).timestamp()),
        ("a", hour.timestamp()),
        ("b", hour.timestamp()),
    ]
    assert answer["items"][2] == {
        "equipmentId": "b",
        "intervalStart": int(hour.timestamp()),
        "totalValue": 15,
        "sampleCount": 3,
        "average": 5,
        "minimum": 1,
        "maximum": 9,
        "first": 5,
        "last": 1,
    }
    assert (answer["average"], answer["totalCount"]) == (117 / 5, 5)


async def test_the_old_path_returns_the_same(client: httpx2.AsyncClient, pool: Pool) -> None:
    await insert(pool, ("a", this_hour() - HOUR, 2))
    old = await client.get("/sensor-data-aggregated?interval=24h")
    assert old.json()["items"] == (await window(client))["items"] != []


async def test_a_reading_just_posted_is_in_the_next_response(client: httpx2.AsyncClient) -> None:
    body = {"equipmentId": "a", "timestamp": this_hour().isoformat(), "value": 2}
    await client.post("/sensor-data", json=body)
    answer = await window(client)
    assert (answer["totalCount"], answer["staleRanges"]) == (1, [])


async def test_a_late_reading_below_the_watermark_makes_its_hour_stale_until_a_refresh(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    hour = this_hour() - 6 * HOUR
    await insert(pool, ("a", hour, 2))
    await refresh(pool, hour - 24 * HOUR, hour + 3 * HOUR)
    body = {"equipmentId": "a", "timestamp": (hour + HOUR / 2).isoformat(), "value": 4}
    await client.post("/sensor-data", json=body)
    stale = await window(client)
    assert [datetime.fromisoformat(end) for end in stale["staleRanges"][0].values()] == [
        hour,
        hour + HOUR,
    ]
    await refresh(pool, hour - 24 * HOUR, hour + 3 * HOUR)
    await pool.execute("DELETE FROM rollup_dirty_ranges")
    fresh = await window(client)
    assert (fresh["totalCount"], fresh["average"], fresh["staleRanges"]) == (2, 3, [])


async def test_stale_ranges_are_merged_and_only_those_of_the_window_below_the_watermark(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    now = this_hour()
    await insert(pool, ("a", now - 4 * HOUR, 1))
    await refresh(pool, now - 48 * HOUR, now - 3 * HOUR)
    for first, last in ((40, 30), (20, 18), (19, 17), (17, 16), (10, 9), (2, 1)):
        await enter(pool, now - first * HOUR, now - last * HOUR)
    answer = await window(client)
    spans = [
        tuple((now - datetime.fromisoformat(end)) / HOUR for end in (stale["from"], stale["to"]))
        for stale in answer["staleRanges"]
    ]
    assert spans == [(20, 16), (10, 9)]


async def test_stale_ranges_are_returned_even_without_items(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    now = this_hour()
    await insert(pool, ("a", now - 4 * HOUR, 1))
    await refresh(pool, now - 200 * HOUR, now - 3 * HOUR)
    await pool.execute("DELETE FROM readings")
    await refresh(pool, now - 200 * HOUR, now - 3 * HOUR)
    await enter(pool, now - 10 * HOUR, now - 9 * HOUR)
    answer = await window(client)
    assert answer["items"] == []
    assert len(answer["staleRanges"]) == 1
