import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeAlias

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.equipment.choice import EquipmentChoice
from api.exports.schemas import StoredReading
from api.live.feeds import Feed, Feeds
from api.live.listener import Listener
from api.live.schemas import ChangedBucket, ChangedDays, News
from core.errors import SensorFlowError

HEARTBEAT_SECONDS = 15.0
CONNECT_SECONDS = 10.0

Check: TypeAlias = Callable[[], Awaitable[object]]

HEARTBEAT = ServerSentEventMessage(data=None, comment="still here")

KINDS = {StoredReading: "reading", ChangedBucket: "bucket", ChangedDays: "changed"}


class LiveService:
    """Tells of changes as they are committed."""

    def __init__(self, feeds: Feeds, listener: Listener) -> None:
        self._feeds = feeds
        self._listener = listener

    async def follow(
        self, chosen: EquipmentChoice, last_event_id: str, require_access: Check
    ) -> AsyncGenerator[ServerSentEventMessage]:
        """What changes from now on, or from behind the event; ends when the server stops.

        `require_access` is asked at every heartbeat: what it raises is told and ends the stream.
        Raises DatabaseUnavailableError if changes cannot be heard of.
        """
        events = self._events(chosen, last_event_id, require_access)
        first = await anext(events)
        return _joined(first, events)

    async def _events(
        self, chosen: EquipmentChoice, last_event_id: str, require_access: Check
    ) -> AsyncGenerator[ServerSentEventMessage]:
        with self._listener.wanted(), self._feeds.open(chosen) as feed:
            await self._listener.require_listening(CONNECT_SECONDS)
            self._feeds.go_on(feed, last_event_id)
            yield self._event("ready", {})
            checked = time.monotonic()
            while not feed.ended:
                for event in await self._next(feed):
                    yield event
                if time.monotonic() - checked >= HEARTBEAT_SECONDS:
                    checked = time.monotonic()
                    if refused := await _refusal(require_access):
                        yield self._event("end", {"code": refused})
                        return

    async def _next(self, feed: Feed) -> list[ServerSentEventMessage]:
        items = await feed.taken(HEARTBEAT_SECONDS)
        if feed.missed:
            feed.missed = False
            return [self._event("missed", {})]
        if not items:
            return [HEARTBEAT]
        return [self._event(KINDS[type(item.news)], item.news, item.number) for item in items]

    def _event(
        self, kind: str, data: News | dict[str, str], number: int | None = None
    ) -> ServerSentEventMessage:
        text = msgspec.json.encode(data).decode()
        return ServerSentEventMessage(text, event=kind, id=self._feeds.name(number))


async def _refusal(require_access: Check) -> str | None:
    try:
        await require_access()
    except SensorFlowError as error:
        return error.code
    return None


async def _joined(
    first: ServerSentEventMessage, rest: AsyncGenerator[ServerSentEventMessage]
) -> AsyncGenerator[ServerSentEventMessage]:
    async with aclosing(rest):
        yield first
        async for event in rest:
            yield event
