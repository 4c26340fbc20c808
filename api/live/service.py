import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeAlias

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.http.equipment_filter import EquipmentFilter
from api.live.feed import LiveFeed, Subscriber
from api.live.listener import Listener
from api.live.schemas import ChangedBucket, ChangedDays, Event
from api.readings.stored_reading import StoredReading
from core.errors import SensorFlowError

HEARTBEAT_SECONDS = 15.0
CONNECT_TIMEOUT_SECONDS = 10.0

AccessCheck: TypeAlias = Callable[[], Awaitable[object]]

HEARTBEAT = ServerSentEventMessage(data=None, comment="still here")

EVENT_NAMES = {StoredReading: "reading", ChangedBucket: "bucket", ChangedDays: "changed"}


class LiveService:
    """Streams changes as they are committed."""

    def __init__(self, feed: LiveFeed, listener: Listener) -> None:
        self._feed = feed
        self._listener = listener

    async def follow(
        self, equipment: EquipmentFilter, last_event_id: str, check_access: AccessCheck
    ) -> AsyncGenerator[ServerSentEventMessage]:
        """The changes from now on, or since the event; ends when the server stops.

        `check_access` runs at every heartbeat: what it raises is sent and ends the stream.
        Raises DatabaseUnavailableError if the database cannot be listened to.
        """
        events = self._events(equipment, last_event_id, check_access)
        first = await anext(events)
        return _prepend(first, events)

    async def _events(
        self, equipment: EquipmentFilter, last_event_id: str, check_access: AccessCheck
    ) -> AsyncGenerator[ServerSentEventMessage]:
        with self._listener.running(), self._feed.subscribe(equipment) as subscriber:
            await self._listener.require_listening(CONNECT_TIMEOUT_SECONDS)
            self._feed.resume(subscriber, last_event_id)
            yield self._message("ready", {})
            checked_at = time.monotonic()
            while not subscriber.ended:
                for message in await self._next_messages(subscriber):
                    yield message
                if time.monotonic() - checked_at >= HEARTBEAT_SECONDS:
                    checked_at = time.monotonic()
                    if code := await _access_error(check_access):
                        yield self._message("end", {"code": code})
                        return

    async def _next_messages(self, subscriber: Subscriber) -> list[ServerSentEventMessage]:
        events = await subscriber.next_events(HEARTBEAT_SECONDS)
        if subscriber.missed:
            subscriber.missed = False
            return [self._message("missed", {})]
        if not events:
            return [HEARTBEAT]
        return [
            self._message(EVENT_NAMES[type(numbered.event)], numbered.event, numbered.number)
            for numbered in events
        ]

    def _message(
        self, name: str, data: Event | dict[str, str], number: int | None = None
    ) -> ServerSentEventMessage:
        text = msgspec.json.encode(data).decode()
        return ServerSentEventMessage(text, event=name, id=self._feed.event_id(number))


async def _access_error(check_access: AccessCheck) -> str | None:
    try:
        await check_access()
    except SensorFlowError as error:
        return error.code
    return None


async def _prepend(
    first: ServerSentEventMessage, rest: AsyncGenerator[ServerSentEventMessage]
) -> AsyncGenerator[ServerSentEventMessage]:
    async with aclosing(rest):
        yield first
        async for message in rest:
            yield message
