"""Server-sent events of changes as they are committed, as a browser's EventSource gets them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from api.http.equipment_filter import ALL_EQUIPMENT, EquipmentFilter
from api.live import listener, service
from api.live.feed import MAX_UNSENT_EVENTS, REPLAYED_EVENTS, LiveFeed
from api.live.listener import MAX_QUEUED_NOTIFICATIONS
from api.live.schemas import ChangedDays
from api.readings.stored_reading import StoredReading
from core.database import Connection, Pool
from tests.api.http.test_problem_details import assert_problem
from tests.api.imports.test_import_events import Event, parsed
from tests.api.proxy import Proxy, proxied
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

PATH = "/sensor-data/live"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
WAIT_SECONDS = 20


@asynccontextmanager
async def following(
    client: httpx2.AsyncClient, *equipment: str, last_event_id: str = ""
) -> AsyncIterator[AsyncIterator[Event]]:
    """The events after `ready`."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    parameters = {"equipmentId": list(equipment)}
    async with client.stream("GET", PATH, params=parameters, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        events = parsed(response.aiter_lines())
        (ready,) = await take(events, 1)
        assert ready["event"] == "ready"
        yield events


async def take(events: AsyncIterator[Event], count: int) -> list[Event]:
    """The next events, heartbeats left out."""
    taken: list[Event] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(taken) < count:
            event = await anext(events)
            if "event" in event:
                taken.append(event)
    return taken


async def post(client: httpx2.AsyncClient, name: str, ts: datetime, value: float) -> None:
    reading = {"equipmentId": name, "timestamp": ts.isoformat(), "value": value}
    assert (await client.post("/sensor-data", json=reading)).status_code == 201


def short(event: Event) -> tuple[Any, ...]:
    data = event["data"]
    return (event["event"], data.get("equipmentId"), data.get("value", data.get("intervalStart")))


async def test_new_readings_and_their_hours_are_sent_for_the_chosen_equipment(
    client: httpx2.AsyncClient,
) -> None:
    async with following(client, "a", "b*") as events:
        await post(client, "c", NOON, 0)
        await post(client, "a", NOON, 1)
        await post(client, "b1", NOON + timedelta(minutes=61), 2)
        first = await take(events, 2)
        second = await take(events, 2)
    hour = int(NOON.timestamp())
    assert [short(event) for event in first] == [("reading", "a", 1), ("bucket", "a", hour)]
    assert [short(event) for event in second] == [
        ("reading", "b1", 2),
        ("bucket", "b1", hour + 3600),
    ]
    assert datetime.fromisoformat(first[0]["data"]["timestamp"]) == NOON


async def test_a_replaced_reading_is_sent_and_an_equal_one_is_not(
    client: httpx2.AsyncClient,
) -> None:
    await post(client, "a", NOON, 1)
    values: list[float] = []
    async with following(client) as events:
        for _ in range(3):
            await post(client, "a", NOON, 1)
        await post(client, "a", NOON, 2)
        while 2 not in values:
            (event,) = await take(events, 1)
            values += [event["data"]["value"]] if event["event"] == "reading" else []
    assert values in ([2], [1, 2])  # the first may be notified a little late


async def test_a_client_resumes_after_its_last_event(client: httpx2.AsyncClient) -> None:
    async with following(client, "a") as events:
        await post(client, "a", NOON, 1)
        (_, bucket) = await take(events, 2)
    await post(client, "a", NOON, 2)
    await post(client, "b", NOON, 3)
    async with following(client, "a", last_event_id=bucket["id"]) as events:
        await post(client, "a", NOON, 4)
        resumed = await take(events, 4)
    assert [short(event)[2] for event in resumed if event["event"] == "reading"] == [2, 4]


@pytest.mark.parametrize("unknown", ["x", "x-1", "-", "00000000-5", "f-99999999999999999999"])
async def test_resuming_from_an_unknown_event_reports_missed_events(
    client: httpx2.AsyncClient, unknown: str
) -> None:
    async with following(client, last_event_id=unknown) as events:
        assert (await take(events, 1))[0]["event"] == "missed"


async def test_more_changes_than_are_sent_one_by_one_are_sent_by_the_day(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    async with following(client, "a") as events:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                """
                INSERT INTO readings SELECT 'a', $1::timestamptz + n * interval '1 minute', n
                FROM generate_series(1, 600) AS n
                """,
                NOON,
            )
            await connection.execute(
                "INSERT INTO data_changes (equipment_ids, days, token) VALUES ($1, $2, 1)",
                ["a", "b", "a"],
                [date(2026, 3, 10), date(2026, 3, 10), date(2026, 3, 11)],
            )
        (event,) = await take(events, 1)
    days = {"equipmentId": "a", "firstDay": "2026-03-10", "lastDay": "2026-03-11"}
    assert (event["event"], event["data"]) == ("changed", days)


async def channels(pool: Pool) -> list[str]:
    """Of everybody who listens; only the owner and the application can read them."""
    listeners = await pool.fetch("SELECT id FROM live_listeners")
    return [f"{listener.CHANNEL_PREFIX}{row['id'].hex}" for row in listeners]


async def test_a_login_that_does_not_know_the_channel_can_neither_send_nor_read_changes(
    client: httpx2.AsyncClient, bi_tool: Connection
) -> None:
    read: list[object] = []
    await bi_tool.add_listener("data_changes", lambda *args: read.append(args[-1]))
    forged = '{"at": "2026-03-10T12:00:00Z", "equipmentIds": ["a"], "days": ["2026-03-10"]}'
    async with following(client) as events:
        for channel in ("data_changes", "data_changes_", "data_changes_*"):
            await bi_tool.execute("SELECT pg_notify($1, $2)", channel, forged)
        await post(client, "a", NOON, 1)
        assert short((await take(events, 1))[0]) == ("reading", "a", 1)
    assert read == [forged]  # its own


MAX_PAYLOAD_BYTES = 7_999  # of PostgreSQL


@pytest.mark.parametrize(
    "payload",
    [
        *("not json", "", '{"at": "2026-03-10T12:00:00Z", "days": 5}'),
        *("x" * MAX_PAYLOAD_BYTES, "[" * MAX_PAYLOAD_BYTES, "\N{SNOWMAN}" * 2_666),
        '{"at": "2026-03-10T12:00:00Z", "equipmentIds": ["\\ud800"], "days": ["2026-03-10"]}',
    ],
    ids=["text", "empty", "type", "long", "nested", "unicode", "surrogate"],
)
async def test_a_notification_of_another_login_is_reported_as_missed_events_and_listening_goes_on(
    client: httpx2.AsyncClient, pool: Pool, bi_tool: Connection, payload: str
) -> None:
    """Of one that knows the channel, which is a secret."""
    async with following(client) as events:
        for channel in await channels(pool):
            await bi_tool.execute("SELECT pg_notify($1, $2)", channel, payload)
        assert (await take(events, 1))[0]["event"] == "missed"
        await post(client, "a", NOON, 1)
        assert short((await take(events, 1))[0]) == ("reading", "a", 1)


async def test_a_flood_of_notifications_is_reported_as_missed_events_and_listening_goes_on(
    client: httpx2.AsyncClient, pool: Pool, bi_tool: Connection
) -> None:
    flood = "SELECT pg_notify($1, 'junk ' || i) FROM generate_series(1, $2) AS i"
    async with following(client) as events:
        for channel in await channels(pool):
            await bi_tool.execute(flood, channel, 3 * MAX_QUEUED_NOTIFICATIONS)
        await post(client, "a", NOON, 1)
        while (event := (await take(events, 1))[0])["event"] == "missed":
            pass
        assert short(event) == ("reading", "a", 1)


async def test_a_listener_that_fails_is_started_again(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(client) as events:
        with monkeypatch.context() as faulty:
            faulty.setattr(listener, "parse_notification", None)
            await post(client, "a", NOON, 1)
            assert (await take(events, 1))[0]["event"] == "missed"
        await post(client, "a", NOON, 2)
        assert short((await take(events, 1))[0]) == ("reading", "a", 2)


@pytest.mark.parametrize(("ids", "days"), [(["x" * 255] * 40, 40), ([""], 1)])
async def test_changes_too_large_for_a_notification_may_be_of_any_equipment(
    client: httpx2.AsyncClient, pool: Pool, ids: list[str], days: int
) -> None:
    async with following(client, "a") as events:
        await pool.execute(
            "INSERT INTO data_changes (equipment_ids, days, token) VALUES ($1, $2, 1)",
            ids,
            [date(2026, 3, 10)] * days,
        )
        (event,) = await take(events, 1)
    assert event["event"] == "changed"
    assert event["data"]["equipmentId"] is None


async def test_there_are_no_notifications_without_a_listener(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    del client
    notifications: asyncio.Queue[object] = asyncio.Queue()
    insert = "INSERT INTO data_changes (equipment_ids, days, token) VALUES ('{a}', $1, 1)"
    move_heartbeat = "UPDATE live_listeners SET seen_at = seen_at + $1"
    listener_id = uuid4()
    async with pool.acquire() as connection:
        await connection.add_listener(
            f"{listener.CHANNEL_PREFIX}{listener_id.hex}",
            lambda *args: notifications.put_nowait(args[-1]),
        )
        await connection.execute("INSERT INTO live_listeners VALUES ($1)", listener_id)
        async with connection.transaction():
            await connection.execute(move_heartbeat, timedelta(hours=-1))
            await connection.execute(insert, [date(2001, 1, 1)])
            await connection.execute(move_heartbeat, timedelta(hours=1))
        await connection.execute(insert, [date(2002, 2, 2)])
        async with asyncio.timeout(WAIT_SECONDS):
            assert "2002-02-02" in str(await notifications.get())
        await connection.reset()


@pytest_asyncio.fixture
async def proxy(migrated_url: str) -> AsyncIterator[Proxy]:
    async with proxied(migrated_url) as proxy:
        yield proxy


async def test_a_lost_connection_is_reported_as_missed_events_and_listening_goes_on(
    client: httpx2.AsyncClient, proxy: Proxy, stub_provider: StubProvider, tmp_path: Path
) -> None:
    async with (
        serving(server_settings(proxy.url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=client.headers, timeout=20) as follower,
        following(follower) as events,
    ):
        proxy.drop()
        assert (await take(events, 1))[0]["event"] == "missed"
        await post(client, "a", NOON, 1)
        assert short((await take(events, 1))[0]) == ("reading", "a", 1)


async def test_without_the_database_there_is_an_error_and_no_stream(
    client: httpx2.AsyncClient,
    proxy: Proxy,
    stub_provider: StubProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "CONNECT_TIMEOUT_SECONDS", 0.5)
    await proxy.cut()
    async with (
        serving(server_settings(proxy.url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=client.headers, timeout=20) as follower,
    ):
        assert_problem(await follower.get(PATH), 503, "database_unavailable")


async def test_an_expired_token_ends_the_stream(
    anonymous: httpx2.AsyncClient, stub_provider: StubProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "HEARTBEAT_SECONDS", 0.2)
    now = datetime.now(UTC).timestamp()
    token = stub_provider.token(exp=int(now) - 28)  # within the leeway, for two seconds more
    headers = {"Authorization": f"Bearer {token}"}
    async with anonymous.stream("GET", PATH, headers=headers) as response:
        events = [event async for event in parsed(response.aiter_lines())]
    assert [event["event"] for event in events if "event" in event] == ["ready", "end"]
    assert events[-1]["data"] == {"code": "expired_token"}
    assert {"comment": "still here"} in [
        {"comment": event.get("comment", "").strip()} for event in events
    ]


def reading(number: int, name: str = "a") -> StoredReading:
    return StoredReading(name, NOON + timedelta(seconds=number), number, NOON)


async def test_a_client_that_does_not_read_holds_a_bounded_number_of_events() -> None:
    feed = LiveFeed()
    with (
        feed.subscribe(ALL_EQUIPMENT) as slow,
        feed.subscribe(EquipmentFilter(("b",), ())) as other,
    ):
        feed.publish(reading(number) for number in range(MAX_UNSENT_EVENTS + 1))
        assert slow.missed
        feed.publish([ChangedDays(None, NOON.date(), NOON.date())])
        assert len(await slow.next_events(0)) == 1
        assert len(await other.next_events(0)) == 1
        assert not other.missed


async def test_the_events_for_resuming_clients_are_bounded() -> None:
    feed = LiveFeed()
    feed.publish([reading(0)])
    before = feed.event_id()
    feed.publish(reading(number) for number in range(REPLAYED_EVENTS + 1))
    recent = feed.event_id()
    feed.publish([reading(7)])
    with feed.subscribe(ALL_EQUIPMENT) as subscriber:
        feed.resume(subscriber, recent)
        assert not subscriber.missed
        assert [numbered.event for numbered in await subscriber.next_events(0)] == [reading(7)]
        feed.resume(subscriber, before)
        assert subscriber.missed


async def test_all_streams_end_when_the_server_stops() -> None:
    feed = LiveFeed()
    with feed.subscribe(ALL_EQUIPMENT) as subscriber:
        feed.close()
        assert subscriber.ended
    with feed.subscribe(ALL_EQUIPMENT) as late:
        assert late.ended
