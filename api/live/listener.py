"""One connection of this process that hears of committed changes, while anybody wants to know."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import asyncpg
import structlog

from api.live.changes import news_of
from api.live.feeds import Feeds
from core.database import Connection, database_errors, open_connection
from core.errors import SensorFlowError
from core.queries import queries
from core.settings import DatabaseSettings

CHANNEL = "data_changes"
MOST_WAITING = 1_000

SEEN_SECONDS = 20  # writers believe it for a minute
RETRY_SECONDS = 1
LINGER_SECONDS = 60  # who comes back within this time can go on where it stopped

LOST = None

logger = structlog.get_logger()


class Listener:
    """Publishes what notifications mean; where one may have been missed, that it may."""

    def __init__(self, settings: DatabaseSettings, feeds: Feeds) -> None:
        self._settings = settings
        self._feeds = feeds
        self._id = uuid4()
        self._wanted = 0
        self._wanted_until = 0.0
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Listen while the block runs, and a little longer."""
        self._wanted += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._wanted -= 1
            self._wanted_until = asyncio.get_running_loop().time() + LINGER_SECONDS

    async def require_listening(self, timeout_seconds: float) -> None:
        """Return when changes are heard of. Raises DatabaseUnavailableError after the timeout."""
        with database_errors():
            async with asyncio.timeout(timeout_seconds):
                await self._listening.wait()

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._is_wanted():
            try:
                with database_errors():
                    async with open_connection(self._settings) as connection:
                        await self._listen(connection)
            except (SensorFlowError, asyncpg.PostgresError) as error:
                logger.warning("live_interrupted", cause=repr(error))
            self._listening.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, connection: Connection) -> None:
        """Publish until the connection is lost or nobody wants to know."""
        heard: asyncio.Queue[str | None] = asyncio.Queue()

        def hear(notification: str | None) -> None:
            if heard.qsize() >= MOST_WAITING:
                _forget(heard)
                self._feeds.interrupt()
            heard.put_nowait(notification)

        connection.add_termination_listener(lambda _: hear(LOST))
        await connection.add_listener(CHANNEL, lambda *notice: hear(notice[-1]))
        await queries().listener_seen(connection, id=self._id)
        self._feeds.interrupt()  # of what was before, nobody told
        self._listening.set()
        while self._is_wanted():
            with suppress(TimeoutError):
                async with asyncio.timeout(SEEN_SECONDS):
                    await self._publish(connection, heard)
                    return
            await queries().listener_seen(connection, id=self._id)

    async def _publish(self, connection: Connection, heard: "asyncio.Queue[str | None]") -> None:
        """Return when the connection is lost."""
        while (notification := await heard.get()) is not LOST:
            self._feeds.publish(await news_of(connection, notification))

    def _is_wanted(self) -> bool:
        return self._wanted > 0 or asyncio.get_running_loop().time() < self._wanted_until


def _forget(heard: "asyncio.Queue[str | None]") -> None:
    while not heard.empty():
        heard.get_nowait()
