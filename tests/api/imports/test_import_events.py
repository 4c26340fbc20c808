"""An import as server-sent events, as a browser's EventSource would read them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest

from api.imports.progress_feed import Subscriber
from api.imports.repository import ImportRepository
from api.imports.schemas import Import
from core.database import Pool
from tests.api.imports.test_imports import UNKNOWN, new_import, set_state

Event = dict[str, Any]


@asynccontextmanager
async def stream_of(
    client: httpx2.AsyncClient, import_id: UUID, last_event_id: str = ""
) -> AsyncIterator[AsyncIterator[Event]]:
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with client.stream("GET", f"/imports/{import_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield parsed(response.aiter_lines())


async def parsed(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """Events with event, id and data, decoded; a comment as {"comment": text}."""
    event: Event = {}
    async for line in lines:
        name, _, text = line.partition(": ")
        if line:
            event[name or "comment"] = json.loads(text) if name == "data" else text
        elif event:
            yield event
            event = {}


async def take(events: AsyncIterator[Event], count: int) -> list[Event]:
    async with asyncio.timeout(10):
        return [await anext(events) for _ in range(count)]


async def load_rows(pool: Pool, import_id: UUID, rows: int) -> None:
    await pool.execute(
        "UPDATE imports SET rows_read = $2, rows_inserted = $2, state = 'loading' WHERE id = $1",
        import_id,
        rows,
    )


async def test_an_unknown_import_has_no_events(client: httpx2.AsyncClient) -> None:
    response = await client.get(f"/imports/{UNKNOWN}/events")
    assert (response.status_code, response.json()["code"]) == (404, "import_not_found")


async def test_every_update_is_sent_until_the_final_state_and_then_the_stream_ends(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    import_id = await new_import(pool)
    async with stream_of(client, import_id) as events:
        received = await take(events, 1)
        assert received[0]["data"] == (await client.get(f"/imports/{import_id}")).json()
        for rows in (10, 20):
            await load_rows(pool, import_id, rows)
            received += await take(events, 1)
        await set_state(pool, import_id, "done")
        received += await take(events, 1)
        with pytest.raises(StopAsyncIteration):
            await take(events, 1)
    assert [(event["event"], event["data"]["state"]) for event in received] == [
        ("state", "queued"),
        ("state", "loading"),
        ("progress", "loading"),
        ("state", "done"),
    ]
    assert [event["data"]["counts"]["read"] for event in received] == [0, 10, 20, 10]
    assert len({event["id"] for event in received}) == 4
    assert received[-1]["data"] == (await client.get(f"/imports/{import_id}")).json()


async def test_a_client_that_reconnects_receives_what_it_has_missed_and_nothing_twice(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    import_id = await new_import(pool)
    async with stream_of(client, import_id) as events:
        seen = (await take(events, 1))[0]["id"]
    async with stream_of(client, import_id, seen) as events:
        next_event = asyncio.ensure_future(take(events, 1))
        await asyncio.wait([next_event], timeout=0.5)
        assert not next_event.done()
        await load_rows(pool, import_id, 10)
        loading = (await next_event)[0]
    await load_rows(pool, import_id, 20)
    async with stream_of(client, import_id, loading["id"]) as events:
        missed = (await take(events, 1))[0]
    assert missed["data"]["counts"]["read"] == 20


async def test_a_client_that_has_received_the_final_state_gets_204(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    import_id = await new_import(pool)
    await set_state(pool, import_id, "done")
    async with stream_of(client, import_id, "made-up") as events:
        received = [event async for event in events]
    assert [event["data"]["state"] for event in received] == ["done"]
    headers = {"Last-Event-ID": received[0]["id"]}
    again = await client.get(f"/imports/{import_id}/events", headers=headers)
    assert (again.status_code, again.content) == (204, b"")


async def test_a_stream_without_updates_sends_heartbeats(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.imports.events.HEARTBEAT_SECONDS", 0.1)
    async with stream_of(client, await new_import(pool)) as events:
        received = await take(events, 3)
    assert [set(event) for event in received] == [{"event", "id", "data"}, {"comment"}, {"comment"}]


async def test_a_stream_ends_after_its_maximum_so_that_access_is_checked_again(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.imports.events.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("api.imports.events.MAX_STREAM_SECONDS", 0.3)
    async with asyncio.timeout(10), stream_of(client, await new_import(pool)) as events:
        received = [event async for event in events]
    assert received[0]["data"]["state"] == "queued"


async def test_many_streams_share_one_query_and_a_client_that_left_is_polled_for_no_more(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    queried: list[set[UUID]] = []
    get_many = ImportRepository.get_many

    async def counted(
        repository: ImportRepository, import_ids: Iterable[UUID]
    ) -> dict[UUID, Import]:
        queried.append(set(import_ids))
        return await get_many(repository, import_ids)

    monkeypatch.setattr(ImportRepository, "get_many", counted)
    import_ids = {await new_import(pool) for _ in range(30)}

    async def follow(import_id: UUID) -> None:
        async with stream_of(client, import_id) as events:
            await take(events, 2)

    followers = [asyncio.create_task(follow(import_id)) for import_id in import_ids]
    async with asyncio.timeout(10):
        while import_ids not in queried:
            await grows(queried)
    assert await pool.fetchval("SELECT count(*) FROM imports") == 30
    for follower in followers:
        follower.cancel()
    await asyncio.gather(*followers, return_exceptions=True)
    async with asyncio.timeout(10):
        while await grows(queried):
            pass


async def grows(queried: list[set[UUID]]) -> bool:
    before = len(queried)
    await asyncio.sleep(0.6)
    return len(queried) > before


async def test_a_slow_client_receives_only_the_latest_update(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    current = msgspec.convert(
        (await client.get(f"/imports/{await new_import(pool)}")).json(), Import
    )
    subscriber = Subscriber(current)
    for attempts in range(1000):
        subscriber.publish(msgspec.structs.replace(current, attempts=attempts))
    latest = await subscriber.next_update(0)
    assert latest is not None
    assert latest.attempts == 999
    assert await subscriber.next_update(0) is None
