"""The entity tag of a response changes exactly when its data do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from api.http.etags import matches_if_none_match, weak_etag
from core.database import Pool
from core.queries import queries
from tests.api.stored import HOUR, enter, refresh, this_hour

PATH = "/sensor-data/aggregated"
DAY = timedelta(days=1)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


async def get(
    client: httpx2.AsyncClient, if_none_match: str | None = None, **parameters: Any
) -> httpx2.Response:
    headers = {"If-None-Match": if_none_match} if if_none_match else {}
    return await client.get(
        PATH, params={**span(NOON - HOUR, NOON + HOUR), **parameters}, headers=headers
    )


def span(start: datetime, end: datetime) -> dict[str, str]:
    return {"from": start.isoformat(), "to": end.isoformat()}


async def tag(client: httpx2.AsyncClient, **parameters: Any) -> str:
    response = await get(client, **parameters)
    assert response.status_code == 200, response.text
    return response.headers["etag"]


async def post(
    client: httpx2.AsyncClient, equipment_id: str, timestamp: datetime, value: float
) -> None:
    body = {"equipmentId": equipment_id, "timestamp": timestamp.isoformat(), "value": value}
    assert (await client.post("/sensor-data", json=body)).status_code == 201


async def test_a_client_that_sends_the_tag_gets_no_body(client: httpx2.AsyncClient) -> None:
    await post(client, "a", NOON, 1)
    known = await tag(client)
    assert known.startswith('W/"')
    response = await get(client, f'"other", {known}')
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == known
    assert response.headers["cache-control"] == "private, no-cache"
    assert (await get(client, '"other"')).status_code == 200


async def test_a_write_changes_the_tags_of_what_it_touches_and_no_others(
    client: httpx2.AsyncClient,
) -> None:
    await post(client, "a", NOON, 1)
    await post(client, "b", NOON, 1)
    touched: list[dict[str, Any]] = [
        {},
        {"equipmentId": "a"},
        {"equipmentId": "a*"},
        {"equipmentId": ["a", "b"]},
        {"resolution": "5m"},
        {"resolution": "1d", **span(NOON - DAY, NOON + DAY)},
        {"groupBy": "all", "tz": "Asia/Kathmandu", "resolution": "1h"},
    ]
    others: list[dict[str, Any]] = [
        {"equipmentId": "b"},
        {"equipmentId": "b*"},
        span(NOON - DAY, NOON - DAY + HOUR),
        {"resolution": "1d", **span(NOON - 3 * DAY, NOON - DAY)},
    ]
    before = [await tag(client, **each) for each in touched + others]
    await post(client, "a", NOON + HOUR / 2, 2)
    after = [await tag(client, **each) for each in touched + others]
    changed = [old != new for old, new in zip(before, after, strict=True)]
    assert changed == [True] * len(touched) + [False] * len(others)
    assert len(set(after)) == len(after)


async def test_resending_a_reading_changes_no_tag(client: httpx2.AsyncClient) -> None:
    await post(client, "a", NOON, 1)
    known = await tag(client)
    await post(client, "a", NOON, 1)
    assert (await get(client, known)).status_code == 304
    await post(client, "a", NOON, 2)
    assert (await get(client, known)).status_code == 200


async def test_equivalent_queries_have_the_same_tag(
    client: httpx2.AsyncClient,
) -> None:
    await post(client, "a", NOON, 1)
    one = await tag(client, equipmentId=["a", "b*"], statistics="total,count")
    other = await tag(client, equipmentId=["b*", "a", "a"], statistics="count,total")
    assert one == other


async def test_a_window_keeps_its_tag_while_it_holds_the_same_buckets(
    client: httpx2.AsyncClient,
) -> None:
    await post(client, "a", this_hour() - 3 * HOUR, 1)
    first = await client.get(PATH, params={"interval": "1w", "resolution": "1d"})
    headers = {"If-None-Match": first.headers["etag"]}
    second = await client.get(PATH, params={"interval": "1w", "resolution": "1d"}, headers=headers)
    assert (first.status_code, second.status_code) == (200, 304)


async def test_compacting_the_changes_changes_no_tag(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    for number in range(5):
        await post(client, f"a{number % 2}", NOON + number * timedelta(minutes=7), number)
    await queries().note_changed_range(pool, start=NOON - 2 * DAY, stop=NOON + DAY)
    parameters: list[dict[str, Any]] = [
        {},
        {"equipmentId": "a0"},
        {"equipmentId": "a*"},
        span(NOON - 2 * DAY, NOON),
    ]
    before = [await tag(client, **each) for each in parameters]
    await queries().compact_changes(pool)
    assert await pool.fetchval("SELECT count(*) FROM data_changes") == 0
    assert [await tag(client, **each) for each in parameters] == before
    await post(client, "a0", NOON, 99)
    await queries().compact_changes(pool)
    assert not {await tag(client, **each) for each in parameters} & set(before)


async def test_a_change_that_becomes_visible_after_a_later_one_is_seen(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await queries().note_changed_range(pool, start=NOON, stop=NOON + HOUR)
    before = await tag(client)
    await pool.execute(
        "INSERT INTO data_changes OVERRIDING SYSTEM VALUE "
        "SELECT id - 1, equipment_ids, days, 1 FROM data_changes"
    )
    assert await tag(client) != before


async def test_a_stale_response_is_never_304_and_a_refresh_changes_its_tag(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await post(client, "a", NOON, 1)
    await refresh(pool, NOON - DAY, this_hour() - 3 * HOUR)
    await pool.execute("DELETE FROM rollup_dirty_ranges")
    fresh = await tag(client, resolution="1h")
    await enter(pool, NOON, NOON + HOUR)
    stale = await tag(client, resolution="1h")
    assert stale != fresh
    assert (await get(client, stale, resolution="1h")).status_code == 200
    assert (
        await get(client, await tag(client, resolution="1m"), resolution="1m")
    ).status_code == 304
    await pool.execute("DELETE FROM rollup_dirty_ranges")
    assert (await get(client, fresh, resolution="1h")).status_code == 304


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        ("", False),
        ("*", True),
        (weak_etag("a"), True),
        (weak_etag("a").removeprefix("W/"), True),
        (weak_etag("b"), False),
        (f'"x,y", {weak_etag("b")}, {weak_etag("a")}', True),
        (weak_etag("a").replace('"', ""), False),
        ('W/"', False),
    ],
)
def test_tags_are_compared_weakly(header: str | None, known: bool) -> None:
    assert matches_if_none_match(weak_etag("a"), header) is known
