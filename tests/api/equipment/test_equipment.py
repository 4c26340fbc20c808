"""The list of equipment, and its metadata."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import Pool
from tests.api.http.test_problem_details import assert_problem
from tests.api.stored import HOUR, enter, insert, refresh, this_hour
from tests.support.stub_provider import StubProvider

PATH = "/equipment"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
METADATA = ("name", "unit", "location", "zone", "expectedPeriodSeconds")
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


def path_of(equipment_id: str) -> str:
    return f"{PATH}/{quote(equipment_id, safe='')}"


async def get_json(
    client: httpx2.AsyncClient, path: str = PATH, **parameters: Any
) -> dict[str, Any]:
    response = await client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def ids(client: httpx2.AsyncClient, **parameters: Any) -> list[str]:
    return [item["equipmentId"] async for item in every_item(client, **parameters)]


async def every_item(client: httpx2.AsyncClient, **parameters: Any) -> AsyncIterator[Any]:
    page = await get_json(client, **parameters)
    for item in page["items"]:
        yield item
    while page["nextCursor"]:
        page = await get_json(client, **parameters, cursor=page["nextCursor"])
        assert len(page["items"]) > 0
        for item in page["items"]:
            yield item


async def describe(client: httpx2.AsyncClient, equipment_id: str, body: Any) -> httpx2.Response:
    return await client.patch(path_of(equipment_id), content=json.dumps(body), headers=MERGE_PATCH)


async def materialise(pool: Pool, start: datetime, end: datetime) -> None:
    for rollup in ("readings_1h", "readings_1d"):
        await refresh(pool, start.replace(hour=0), end, rollup)


async def test_equipment_is_listed_with_its_first_and_last_reading_and_their_number(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("b", NOON + HOUR, 2), ("a", NOON, 1), ("b", NOON, 7), ("b", NOON - DAY, 5))
    page = await get_json(client)
    assert [item["equipmentId"] for item in page["items"]] == ["a", "b"]
    assert page["items"][1] == {
        "equipmentId": "b",
        **dict.fromkeys(METADATA),
        "firstTimestamp": "2026-03-09T12:00:00Z",
        "lastTimestamp": "2026-03-10T13:00:00Z",
        "lastValue": 2,
        "sampleCount": 3,
    }
    assert (page["staleRanges"], page["nextCursor"]) == ([], None)
    one = await get_json(client, path_of("b"))
    assert one["asOf"] >= page["asOf"]
    assert one == {**page["items"][1], "asOf": one["asOf"], "staleRanges": []}


async def test_without_equipment_the_list_is_empty(client: httpx2.AsyncClient) -> None:
    page = await get_json(client)
    assert (page["items"], page["staleRanges"], page["nextCursor"]) == ([], [], None)


async def test_equipment_is_listed_whether_rolled_up_or_not(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    now = this_hour()
    old = now - 30 * DAY
    await insert(pool, ("both", old, 1), ("old", old, 1))
    await materialise(pool, old, now - 2 * DAY)
    await insert(pool, ("both", now, 2), ("new", now, 3), ("newer", now - 2 * HOUR, 3))
    assert await ids(client) == ["both", "new", "newer", "old"]
    (both,) = [item async for item in every_item(client, equipmentId="both")]
    assert (both["sampleCount"], both["lastValue"]) == (2, 2)


async def test_late_readings_make_the_count_stale_and_nothing_else(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    old = NOON - 30 * DAY
    await insert(pool, ("a", old, 1), ("a", NOON, 1))
    await materialise(pool, old, NOON + 2 * DAY)
    late = old - HOUR
    await insert(pool, ("a", late, 5), ("unseen", late, 1))
    await enter(pool, late, late + HOUR)
    page = await get_json(client)
    assert [item["equipmentId"] for item in page["items"]] == ["a"]
    (a,) = page["items"]
    assert (a["firstTimestamp"], a["sampleCount"]) == (f"{late:%FT%TZ}", 2)
    assert page["staleRanges"] == [{"from": f"{late:%FT%TZ}", "to": f"{old:%FT%TZ}"}]
    assert (await get_json(client, path_of("unseen")))["staleRanges"] == page["staleRanges"]
    await materialise(pool, late, NOON)
    await pool.execute("TRUNCATE rollup_dirty_ranges")
    page = await get_json(client)
    assert [item["sampleCount"] for item in page["items"]] == [3, 1]
    assert page["staleRanges"] == []


async def test_ids_and_prefixes_filter_and_the_pages_together_are_complete(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    names = ["100%", "Pump-4", "fan-1", "pump-1", "pump-2", "pump_3"]
    await insert(pool, *((name, NOON, 1) for name in names[::2]))
    await materialise(pool, NOON - DAY, NOON + 2 * DAY)
    await insert(pool, *((name, this_hour(), 1) for name in names[1::2]))
    for selection, selected in (
        (["fan-1", "fan-1", "none"], ["fan-1"]),
        (["pump-*"], ["pump-1", "pump-2"]),
        (["pump_*", "pump-1"], ["pump-1", "pump_3"]),
        (["pump-*", "pump-1", "pump*"], ["pump-1", "pump-2", "pump_3"]),
        (["100%*", "%*", "_*"], ["100%"]),
        (["*"], names),
        ([], names),
    ):
        for limit in (1, 2, 1000):
            assert sorted(await ids(client, equipmentId=selection, limit=limit)) == selected


async def test_the_bi_view_shows_the_same(client: httpx2.AsyncClient, pool: Pool) -> None:
    await insert(pool, ("a", NOON, 1), ("b", NOON, 7), ("b", NOON + HOUR, 5))
    await describe(client, "b", {"name": "Boiler", "expectedPeriodSeconds": 60})
    view = await pool.fetch(
        """
        SELECT
            equipment_id, name, unit, location, zone, expected_period_seconds,
            first_time, last_time, last_value, sample_count
        FROM bi.equipment ORDER BY equipment_id
        """
    )
    listed = [list(item.values()) async for item in every_item(client)]
    assert [
        [f"{part:%FT%TZ}" if isinstance(part, datetime) else part for part in row] for row in view
    ] == listed


any_id = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd"),
    min_size=1,
    max_size=20,
).filter(lambda name: name.strip() and name.strip("/") and name not in {".", ".."})


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=any_id | st.sampled_from(["/a", "a/", "a//b", "100%", "a%2Fb", "?", "#", "a b", "+"]))
async def test_any_id_can_be_requested_by_its_path(
    client: httpx2.AsyncClient, pool: Pool, name: str
) -> None:
    await pool.execute("INSERT INTO readings VALUES ($1, $2, 1) ON CONFLICT DO NOTHING", name, NOON)
    assert (await get_json(client, path_of(name)))["equipmentId"] == name
    if not name.endswith("*"):
        assert await ids(client, equipmentId=name) == [name]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("x=1", "unknown_parameter"),
        ("limit=0", "validation_error"),
        ("limit=1001", "validation_error"),
        ("cursor=x", "invalid_cursor"),
        ("cursor=kaVhAGI", "invalid_cursor"),
        ("equipmentId=", "missing_value"),
        ("limit=1&limit=2", "repeated_parameter"),
    ],
)
async def test_an_invalid_parameter_is_rejected(
    client: httpx2.AsyncClient, query: str, code: str
) -> None:
    assert_problem(await client.get(f"{PATH}?{query}"), 400, code)


@pytest.mark.parametrize("path", ["none", "%2Fnone", "a%2Fnone"])
async def test_unknown_equipment_is_not_found(client: httpx2.AsyncClient, path: str) -> None:
    assert_problem(await client.get(f"{PATH}/{path}"), 404, "equipment_not_found")
    response = await client.patch(f"{PATH}/{path}", json={}, headers=MERGE_PATCH)
    assert_problem(response, 404, "equipment_not_found")


@pytest.mark.parametrize(
    ("path", "code"), [("%FF", "bad_text"), ("a%00", "bad_text"), ("x" * 256, "too_long")]
)
async def test_an_impossible_id_is_rejected(
    client: httpx2.AsyncClient, path: str, code: str
) -> None:
    assert_problem(await client.get(f"{PATH}/{path}"), 400, code)


async def test_metadata_stays_until_it_is_replaced_or_removed(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", NOON, 1))
    expected = {
        "name": "Pumpe Süd",
        "unit": "°C",
        "location": "Hall 4, row 2",
        "zone": "Europe/Berlin",
        "expectedPeriodSeconds": 0.5,
    }
    for change in (dict(expected), {"unit": "K", "zone": None}, {}, {"unit": "F"}):
        expected |= change
        described = (await describe(client, "a", change)).json()
        assert {name: described[name] for name in METADATA} == expected
        assert {**described, "asOf": 0} == {**await get_json(client, path_of("a")), "asOf": 0}
    assert (await get_json(client))["items"][0]["name"] == "Pumpe Süd"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("speed", 1, "unknown_field"),
        ("name", 1, "bad_text"),
        ("name", " ", "missing_value"),
        ("name", "x" * 201, "too_long"),
        ("unit", "x" * 51, "too_long"),
        ("location", "a\nb", "bad_text"),
        ("location", "\ud800", "bad_text"),
        ("zone", "Mars/Olympus", "validation_error"),
        ("zone", 1, "validation_error"),
        ("expectedPeriodSeconds", "60", "bad_number"),
        ("expectedPeriodSeconds", True, "bad_number"),
        ("expectedPeriodSeconds", 0, "out_of_range"),
        ("expectedPeriodSeconds", 5e-324, "out_of_range"),
        ("expectedPeriodSeconds", 1e9, "out_of_range"),
    ],
)
async def test_an_invalid_field_is_rejected_by_name_and_nothing_changes(
    client: httpx2.AsyncClient, pool: Pool, field: str, value: object, code: str
) -> None:
    await insert(pool, ("a", NOON, 1))
    problem = assert_problem(await describe(client, "a", {field: value}), 400, code)
    assert [error["field"] for error in problem["errors"]] == [field]
    both = {"unit": "", field: value} if field != "unit" else {"name": "", field: value}
    problem = assert_problem(await describe(client, "a", both), 400, "validation_error")
    assert {error["field"] for error in problem["errors"]} == set(both)
    assert await pool.fetchval("SELECT count(*) FROM equipment") == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[]", 400, "validation_error"),
        (b"{", 400, "malformed_json"),
        (b'{"name": "a", "name": "b"}', 400, "repeated_field"),
        (b'{"name": "' + b"x" * 70_000 + b'"}', 413, "body_too_large"),
    ],
)
async def test_a_body_that_is_no_merge_patch_is_rejected(
    client: httpx2.AsyncClient, pool: Pool, body: bytes, status: int, code: str
) -> None:
    await insert(pool, ("a", NOON, 1))
    response = await client.patch(path_of("a"), content=body, headers=MERGE_PATCH)
    assert_problem(response, status, code)
    response = await client.patch(path_of("a"), content=b"{}", headers={"Content-Type": "text/x"})
    assert_problem(response, 415, "unsupported_media_type")


async def test_describing_equipment_needs_the_scope_admin(
    anonymous: httpx2.AsyncClient, stub_provider: StubProvider
) -> None:
    token = stub_provider.token(scope="readings:read readings:write")
    headers = {**MERGE_PATCH, "Authorization": f"Bearer {token}"}
    response = await anonymous.patch(path_of("a"), json={}, headers=headers)
    assert assert_problem(response, 403, "missing_scope")["message"].count("admin") == 1
