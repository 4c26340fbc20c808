"""Server-sent events: long-lived streams, of which a process allows only so many."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from api.http.streaming import ClosingStream
from core.errors import SensorFlowError

RETRY_AFTER_SECONDS = 30

Events = AsyncGenerator[ServerSentEventMessage]


class TooManyStreamsError(SensorFlowError):
    """As many event streams are open as the process allows, to all or to this user."""

    code = "too_many_streams"

    def __init__(self, whose: str) -> None:
        super().__init__(
            f"Too many event streams {whose} are open at the moment. Come again a little later.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )


class EventStream(ClosingStream, ServerSentEvent):
    """Events, as long as the client is connected and reads them."""

    def __init__(self, events: AsyncGenerator[ServerSentEventMessage]) -> None:
        super().__init__(events)
        self.headers["Cache-Control"] = "private, no-cache"
        self.source = events


class EventStreams:
    """The open streams of this process, of which no user may have more than a part."""

    def __init__(self, max_open: int, max_open_per_user: int) -> None:
        self._max_open = max_open
        self._max_open_per_user = max_open_per_user
        self._open: Counter[str] = Counter()

    async def stream(self, subject: str, events: Events) -> EventStream:
        """The events as a response to this user, counted as open until it ends.

        Raises TooManyStreamsError.
        """
        counted = self._counted(subject, events)
        await anext(counted)
        return EventStream(counted)

    async def _counted(
        self, subject: str, events: Events
    ) -> AsyncGenerator[ServerSentEventMessage]:
        async with aclosing(events):  # also when the stream is not admitted: they hold resources
            with self._admitted(subject):
                yield ServerSentEventMessage(data=None)  # never sent: marks that it was admitted
                async for event in events:
                    yield event

    @contextmanager
    def _admitted(self, subject: str) -> Iterator[None]:
        if self._open[subject] >= self._max_open_per_user:
            raise TooManyStreamsError("of this user")
        if self._open.total() >= self._max_open:
            raise TooManyStreamsError("of all users")
        self._open[subject] += 1
        try:
            yield
        finally:
            self._open[subject] -= 1
            self._open += Counter()  # drop who has none any more
