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

from api.imports.progress_feed import Watcher
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


async def test_every_change_is_told_until_the_last_and_then_the_stream_ends(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    import_id = await new_import(pool)
    async with stream_of(client, import_id) as events:
        told = await take(events, 1)
        assert told[0]["data"] == (await client.get(f"/imports/{import_id}")).json()
        for rows in (10, 20):
            await load_rows(pool, import_id, rows)
            told += await take(events, 1)
        await set_state(pool, import_id, "done")
        told += await take(events, 1)
        with pytest.raises(StopAsyncIteration):
            await take(events, 1)
    assert [(event["event"], event["data"]["state"]) for event in told] == [
        ("state", "queued"),
        ("state", "loading"),
        ("progress", "loading"),
        ("state", "done"),
    ]
    assert [event["data"]["counts"]["read"] for event in told] == [0, 10, 20, 10]
    assert len({event["id"] for event in told}) == 4
    assert told[-1]["data"] == (await client.get(f"/imports/{import_id}")).json()


async def test_a_client_that_comes_back_is_told_what_it_has_missed_and_nothing_twice(
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


async def test_a_client_that_has_seen_the_end_is_told_not_to_come_back(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    import_id = await new_import(pool)
    await set_state(pool, import_id, "done")
    async with stream_of(client, import_id, "made-up") as events:
        told = [event async for event in events]
    assert [event["data"]["state"] for event in told] == ["done"]
    headers = {"Last-Event-ID": told[0]["id"]}
    again = await client.get(f"/imports/{import_id}/events", headers=headers)
    assert (again.status_code, again.content) == (204, b"")


async def test_a_stream_without_news_shows_that_it_is_alive(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.imports.events.HEARTBEAT_SECONDS", 0.1)
    async with stream_of(client, await new_import(pool)) as events:
        told = await take(events, 3)
    assert [set(event) for event in told] == [{"event", "id", "data"}, {"comment"}, {"comment"}]


async def test_a_stream_ends_after_its_time_so_that_access_is_asked_for_again(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.imports.events.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("api.imports.events.LONGEST_SECONDS", 0.3)
    async with asyncio.timeout(10), stream_of(client, await new_import(pool)) as events:
        told = [event async for event in events]
    assert told[0]["data"]["state"] == "queued"


async def test_many_streams_share_one_query_and_a_client_that_left_is_asked_for_no_more(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[UUID]] = []
    among = ImportRepository.among

    async def counted(
        repository: ImportRepository, import_ids: Iterable[UUID]
    ) -> dict[UUID, Import]:
        asked.append(set(import_ids))
        return await among(repository, import_ids)

    monkeypatch.setattr(ImportRepository, "among", counted)
    import_ids = {await new_import(pool) for _ in range(30)}

    async def follow(import_id: UUID) -> None:
        async with stream_of(client, import_id) as events:
            await take(events, 2)

    followers = [asyncio.create_task(follow(import_id)) for import_id in import_ids]
    async with asyncio.timeout(10):
        while import_ids not in asked:
            await grows(asked)
    assert await pool.fetchval("SELECT count(*) FROM imports") == 30
    for follower in followers:
        follower.cancel()
    await asyncio.gather(*followers, return_exceptions=True)
    async with asyncio.timeout(10):
        while await grows(asked):
            pass


async def grows(asked: list[set[UUID]]) -> bool:
    before = len(asked)
    await asyncio.sleep(0.6)
    return len(asked) > before


async def test_for_a_slow_client_only_the_newest_state_is_kept(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    current = msgspec.convert(
        (await client.get(f"/imports/{await new_import(pool)}")).json(), Import
    )
    watcher = Watcher(current)
    for attempts in range(1000):
        watcher.tell(msgspec.structs.replace(current, attempts=attempts))
    newest = await watcher.news(0)
    assert newest is not None
    assert newest.attempts == 999
    assert await watcher.news(0) is None
