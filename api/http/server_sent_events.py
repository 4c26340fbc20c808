"""Server-sent events: long-lived streams, of which a process allows only so many."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from api.http.streaming import ClosingStream
from core.errors import SensorFlowError

RETRY_AFTER_SECONDS = 30

Events = AsyncGenerator[ServerSentEventMessage]


class TooManyStreamsError(SensorFlowError):
    """As many event streams are open as the process allows."""

    code = "too_many_streams"

    def __init__(self) -> None:
        super().__init__(
            "Too many event streams are open at the moment. Come again a little later.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )


class EventStream(ClosingStream, ServerSentEvent):
    """Events, as long as the client is connected and reads them."""

    def __init__(self, events: AsyncGenerator[ServerSentEventMessage]) -> None:
        super().__init__(events)
        self.headers["Cache-Control"] = "private, no-cache"
        self.source = events


class EventStreams:
    """The open streams of this process."""

    def __init__(self, max_open: int) -> None:
        self._max_open = max_open
        self._open = 0

    async def stream(self, events: Events) -> EventStream:
        """The events as a response, counted as open until it ends. Raises TooManyStreamsError."""
        counted = self._counted(events)
        await anext(counted)
        return EventStream(counted)

    async def _counted(self, events: Events) -> AsyncGenerator[ServerSentEventMessage]:
        async with aclosing(events):  # also when the stream is not admitted: they hold resources
            with self._admitted():
                yield ServerSentEventMessage(data=None)  # never sent: marks that it was admitted
                async for event in events:
                    yield event

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        if self._open >= self._max_open:
            raise TooManyStreamsError
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
