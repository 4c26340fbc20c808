"""The latest reading of each equipment, from partial hours where these have it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from api.http.equipment_filter import EquipmentFilter
from api.latest.repository import LatestRepository
from core.database import Pool
from jobs.rollups.partial_hours import roll_forward
from tests.api.stored import HOUR, insert, refresh, this_hour

PATH = "/sensor-data/latest"
UNKNOWN = "INSERT INTO pending_readings (equipment_id, ts) VALUES ('', now())"
END = "SELECT nullif(end_ts, '-infinity') FROM partial_hours_range"


async def latest(client: httpx2.AsyncClient, *ids: str, **parameters: Any) -> list[Any]:
    """Ids with timestamps and values, of every page."""
    found: list[Any] = []
    page: dict[str, Any] = {"nextCursor": ""}
    while page["nextCursor"] is not None:
        cursor = {"cursor": page["nextCursor"]} if page["nextCursor"] else {}
        answer = await client.get(PATH, params={"equipmentId": ids, **parameters, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [
            (item["equipmentId"], datetime.fromisoformat(item["timestamp"]), item["value"])
            for item in page["items"]
        ]
    return found


async def post(client: httpx2.AsyncClient, name: str, ts: datetime, value: float) -> None:
    reading = {"equipmentId": name, "timestamp": ts.isoformat(), "value": value}
    answer = await client.post("/sensor-data", json=reading)
    assert answer.status_code == 201, answer.text


async def rolled_forward(pool: Pool, application_pool: Pool) -> datetime:
    """The end of partial hours, which is begun from the last materialised hour."""
    await refresh(pool, this_hour() - 48 * HOUR, this_hour() - HOUR)
    await roll_forward(application_pool, lambda: None)
    end: datetime = await pool.fetchval(END)
    return end


async def test_each_equipment_has_its_newest_reading_in_order_of_the_ids(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    old = now - timedelta(days=90)
    await insert(
        pool,
        ("b-1", now, 2.0),
        ("b-1", now - HOUR, 1.0),
        ("a-1", old, 3.0),
        ("B-2", now - 2 * HOUR, 4.0),
    )
    everything = [("B-2", now - 2 * HOUR, 4.0), ("a-1", old, 3.0), ("b-1", now, 2.0)]
    assert await latest(client, "b-1", "a-1", "B-2", "unknown") == everything
    assert await latest(client, "b*") == [("b-1", now, 2.0)]
    assert await latest(client, "b*", "a-1", "b-1") == everything[1:]
    assert await latest(client, "b-1", "a-1", "B-2", "0", limit=1) == everything
    assert await latest(client) == everything
    await refresh(pool, old - timedelta(days=2), now, "readings_1h")
    await refresh(pool, old - timedelta(days=2), now, "readings_1d")
    assert await latest(client) == everything
    assert await latest(client, limit=2) == everything


async def test_replaced_and_pending_readings_count_at_once(
    client: httpx2.AsyncClient, pool: Pool, application_pool: Pool
) -> None:
    first = datetime.now(UTC) - timedelta(minutes=10)
    for name in ("a", "b", "quiet"):
        await post(client, name, first - 40 * HOUR, 1.0)
    for name in ("a", "b"):
        await post(client, name, first, 1.0)
    end = await rolled_forward(pool, application_pool)
    assert end > first
    expected = {"a": (first, 1.0), "b": (first, 1.0), "quiet": (first - 40 * HOUR, 1.0)}

    async def require(**changes: tuple[datetime, float]) -> None:
        expected.update(changes)
        rows = [(name, *reading) for name, reading in expected.items()]
        assert await latest(client, *expected) == rows

    await require()
    await post(client, "a", first, 2.0)  # replaces
    await require(a=(first, 2.0))
    await post(client, "b", end - timedelta(seconds=1), 3.0)  # pending
    await require(b=(end - timedelta(seconds=1), 3.0))
    await post(client, "b", end + timedelta(seconds=1), 4.0)
    await require(b=(end + timedelta(seconds=1), 4.0))


async def test_changes_that_nobody_entered_are_found(
    client: httpx2.AsyncClient, pool: Pool, application_pool: Pool
) -> None:
    first = datetime.now(UTC) - timedelta(minutes=10)
    await post(client, "a", first - 40 * HOUR, 1.0)
    await post(client, "a", first, 1.0)
    await rolled_forward(pool, application_pool)
    await pool.execute("UPDATE readings SET value = 5 WHERE ts = $1", first)
    await pool.execute(UNKNOWN)
    assert await latest(client, "a") == [("a", first, 5.0)]


@pytest.mark.parametrize("max_newest", [0, 1, 2, 10])
async def test_it_is_the_same_however_many_readings_are_newer_than_partial_hours(
    pool: Pool, max_newest: int
) -> None:
    now = datetime.now(UTC)
    await insert(pool, ("a", now, 1.0), ("a", now - HOUR, 2.0))
    selected = EquipmentFilter(("a",), ())
    (reading,) = await LatestRepository(pool, max_newest).fetch(selected, "", 2)
    assert (reading.timestamp, reading.value) == (now, 1.0)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("limit=0", "validation_error"),
        ("limit=10001", "validation_error"),
        ("cursor=%00", "invalid_cursor"),
        ("limit=1&limit=2", "repeated_parameter"),
        ("from=2026-01-01T00:00:00Z", "unknown_parameter"),
        ("&".join(["equipmentId=a"] * 1001), "validation_error"),
    ],
)
async def test_bad_parameters_are_refused(
    client: httpx2.AsyncClient, parameters: str, code: str
) -> None:
    answer = await client.get(f"{PATH}?{parameters}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
