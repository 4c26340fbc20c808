"""Server-sent events: streams that stay open, of which a process has so many places."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from api.http.streaming import ClosedAtItsEnd
from core.errors import SensorFlowError

RETRY_AFTER_SECONDS = 30

Events = AsyncGenerator[ServerSentEventMessage]


class TooManyStreamsError(SensorFlowError):
    """As many event streams are open as the process has places for."""

    code = "too_many_streams"

    def __init__(self) -> None:
        super().__init__(
            "Too many event streams are open at the moment. Come again a little later.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )


class EventStream(ClosedAtItsEnd, ServerSentEvent):
    """Events, as long as the client is there and takes them."""

    def __init__(self, events: AsyncGenerator[ServerSentEventMessage]) -> None:
        super().__init__(events)
        self.closes = events


class EventStreams:
    """Those that are open in this process."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._open = 0

    async def stream(self, events: Events) -> EventStream:
        """The events as a response, which has a place until it ends. Raises TooManyStreamsError."""
        placed = self._placed(events)
        await anext(placed)
        return EventStream(placed)

    async def _placed(self, events: Events) -> AsyncGenerator[ServerSentEventMessage]:
        async with aclosing(events):  # which hold what they follow, also when there is no place
            with self._place():
                yield ServerSentEventMessage(data=None)  # not sent: it tells that there is a place
                async for event in events:
                    yield event

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._open >= self._places:
            raise TooManyStreamsError
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
