"""Days and hours of a time zone: exact whatever its offset and its clock changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from core.database import Pool
from tests.api.http.test_problem_details import assert_problem
from tests.api.stored import insert, refresh

PATH = "/sensor-data/aggregated"

# Zone, resolution, first boundary and the seconds of each bucket from there on.
CHANGES = [
    ("America/New_York", "1d", "2026-03-07T05:00Z", [86400, 82800, 86400]),
    ("America/New_York", "1d", "2026-10-31T04:00Z", [86400, 90000, 86400]),
    ("America/New_York", "1h", "2026-11-01T04:00Z", [3600] * 4),
    ("America/Sao_Paulo", "1d", "2018-11-03T03:00Z", [86400, 82800, 86400]),
    ("America/Sao_Paulo", "1d", "2019-02-15T02:00Z", [86400, 90000, 86400]),
    ("Australia/Lord_Howe", "1d", "2026-04-03T13:00Z", [86400, 88200, 86400]),
    ("Australia/Lord_Howe", "1d", "2026-10-02T13:30Z", [86400, 84600, 86400]),
    ("Australia/Lord_Howe", "1h", "2026-04-04T14:00Z", [3600, 1800, 3600]),
    ("Australia/Lord_Howe", "1h", "2026-10-03T14:30Z", [3600, 1800, 3600]),
    ("Asia/Kathmandu", "1d", "2026-03-06T18:15Z", [86400] * 3),
    ("Asia/Kathmandu", "1h", "2026-03-06T18:15Z", [3600] * 3),
    ("Pacific/Apia", "1d", "2011-12-28T10:00Z", [86400] * 4),
]


async def get(client: httpx2.AsyncClient, **parameters: Any) -> dict[str, Any]:
    response = await client.get(PATH, params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.parametrize("change", CHANGES)
async def test_a_clock_change_makes_its_bucket_shorter_or_longer_and_loses_no_reading(
    client: httpx2.AsyncClient, pool: Pool, change: tuple[str, str, str, list[int]]
) -> None:
    zone, resolution, first, lengths = change
    start = datetime.fromisoformat(first)
    end = start + timedelta(seconds=sum(lengths))
    quarters = [start + n * timedelta(minutes=15) for n in range(sum(lengths) // 900)]
    outside = [start - timedelta(microseconds=1), end]
    await insert(pool, *(("a", timestamp, 1) for timestamp in [*quarters, *outside]))
    await refresh(pool, start - timedelta(days=2), end + timedelta(days=2))
    answer = await get(
        client, **{"from": start.isoformat(), "to": end.isoformat()}, resolution=resolution, tz=zone
    )
    assert [item["seconds"] for item in answer["items"]] == lengths
    assert [item["sampleCount"] for item in answer["items"]] == [n // 900 for n in lengths]
    assert answer["items"][0]["intervalStart"] == start.timestamp()
    assert (answer["totalCount"], answer["tz"]) == (len(quarters), zone)


async def test_first_and_last_of_a_day_cut_from_hours_are_those_of_its_readings(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    midnight = datetime(2026, 3, 6, 18, 15, tzinfo=UTC)
    minutes = [-1, 0, 44, 45, 600, 1425, 1439, 1440]
    await insert(pool, *(("a", midnight + timedelta(minutes=minute), minute) for minute in minutes))
    await refresh(pool, midnight - timedelta(days=2), midnight + timedelta(days=2))
    end = midnight + timedelta(minutes=1)
    parameters = {"from": midnight.isoformat(), "to": end.isoformat(), "resolution": "1d"}
    answer = await get(client, **parameters, tz="Asia/Kathmandu")
    assert answer["items"] == [
        {
            "equipmentId": "a",
            "intervalStart": int(midnight.timestamp()),
            "totalValue": sum(minutes[1:-1]),
            "sampleCount": 6,
            "average": sum(minutes[1:-1]) / 6,
            "minimum": 0,
            "maximum": 1439,
            "first": 0,
            "last": 1439,
            "seconds": 86400,
        }
    ]


async def test_a_range_in_which_no_bucket_of_the_zone_begins_is_empty(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", datetime(2026, 3, 7, 0, 25, tzinfo=UTC), 1))
    parameters = {"from": "2026-03-07T00:20:00Z", "to": "2026-03-07T00:30:00Z", "resolution": "1h"}
    answer = await get(client, **parameters, tz="Asia/Kathmandu")
    assert (answer["items"], answer["totalCount"]) == ([], 0)


@pytest.mark.parametrize("zone", ["", "America", "america/new_york", "../etc/passwd", "+02:00"])
async def test_an_unknown_time_zone_is_rejected(client: httpx2.AsyncClient, zone: str) -> None:
    response = await client.get(PATH, params={"interval": "24h", "tz": zone})
    assert_problem(response, 400, "validation_error")


async def test_buckets_finer_than_hours_have_no_time_zone(client: httpx2.AsyncClient) -> None:
    response = await client.get(PATH, params={"interval": "24h", "tz": "UTC", "resolution": "5m"})
    problem = assert_problem(response, 400, "validation_error")
    assert problem["message"] == "resolution must be one of auto, 1h, 1d with tz"
    short = {"from": "2026-03-07T00:00:00Z", "to": "2026-03-07T01:00:00Z", "tz": "UTC"}
    assert (await get(client, **short))["resolution"] == "1h"


async def test_raw_rows_at_the_edges_are_bounded_too(client: httpx2.AsyncClient) -> None:
    parameters = {"from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z", "resolution": "1h"}
    assert (await get(client, **parameters, tz="America/New_York"))["tz"] == "America/New_York"
    response = await client.get(PATH, params={**parameters, "tz": "Asia/Kathmandu"})
    assert_problem(response, 400, "range_too_long")
    await get(client, **{**parameters, "resolution": "1d"}, tz="Asia/Kathmandu")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Adak", "Asia/Kathmandu"])
async def test_the_ends_of_the_calendar_cause_no_server_error(
    client: httpx2.AsyncClient, zone: str
) -> None:
    for start, end in (("0001-01-02", "0001-01-03"), ("9999-12-29", "9999-12-31")):
        parameters = {"from": f"{start}T00:00:00Z", "to": f"{end}T00:00:00Z", "tz": zone}
        for resolution in ("1h", "1d"):
            response = await client.get(PATH, params={**parameters, "resolution": resolution})
            assert response.status_code in {200, 400}
