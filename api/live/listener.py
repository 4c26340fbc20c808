"""One connection of this process that listens for committed changes, while there are clients."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import structlog

from api.live.feed import LiveFeed
from api.live.notifications import (
    UnreadableNotificationError,
    events_of,
    parse_notification,
)
from core.database import Connection, database_errors, open_connection
from core.queries import queries
from core.settings import DatabaseSettings

CHANNEL_PREFIX = "data_changes_"
MAX_QUEUED_NOTIFICATIONS = 1_000

HEARTBEAT_SECONDS = 20  # writers count a listener as alive for a minute
RETRY_SECONDS = 1
IDLE_SECONDS = 60  # a client that reconnects within this time can resume where it stopped

CONNECTION_LOST = None

logger = structlog.get_logger()

Notifications = asyncio.Queue[str | None]


class Listener:
    """Publishes the events of notifications; where some may be lost, it interrupts the feed."""

    def __init__(self, settings: DatabaseSettings, feed: LiveFeed) -> None:
        self._settings = settings
        self._feed = feed
        self._id = uuid4()
        # No other login can read the id, so none can send us anything or learn what we are sent.
        self._channel = f"{CHANNEL_PREFIX}{self._id.hex}"
        self._users = 0
        self._idle_until = 0.0
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen while the block runs, and IDLE_SECONDS longer."""
        self._users += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._users -= 1
            self._idle_until = asyncio.get_running_loop().time() + IDLE_SECONDS

    async def require_listening(self, timeout_seconds: float) -> None:
        """Return once the connection listens. Raises DatabaseUnavailableError after the timeout."""
        with database_errors():
            async with asyncio.timeout(timeout_seconds):
                await self._listening.wait()

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._is_needed():
            try:
                with database_errors():
                    async with open_connection(self._settings) as connection:
                        await self._listen(connection)
            except Exception as error:  # noqa: BLE001  # whatever it is, listening goes on
                logger.warning("live_interrupted", cause=repr(error))
            self._listening.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, connection: Connection) -> None:
        """Publish until the connection is lost or no client needs it."""
        notifications = Notifications()

        def enqueue(payload: str | None) -> None:
            if notifications.qsize() >= MAX_QUEUED_NOTIFICATIONS:
                _clear(notifications)
                self._feed.interrupt()
            notifications.put_nowait(payload)

        connection.add_termination_listener(lambda _: enqueue(CONNECTION_LOST))
        await connection.add_listener(
            self._channel, lambda *notification: enqueue(notification[-1])
        )
        await queries().listener_seen(connection, id=self._id)
        self._feed.interrupt()  # what was committed before was not notified
        self._listening.set()
        while self._is_needed() and await self._publish(connection, notifications):
            await queries().listener_seen(connection, id=self._id)

    async def _publish(self, connection: Connection, notifications: Notifications) -> bool:
        """Publish for HEARTBEAT_SECONDS; False as soon as the connection is lost."""
        loop = asyncio.get_running_loop()
        heartbeat_at = loop.time() + HEARTBEAT_SECONDS
        while loop.time() < heartbeat_at:
            try:
                async with asyncio.timeout_at(heartbeat_at):
                    payload = await notifications.get()
            except TimeoutError:
                break
            if payload is CONNECTION_LOST:
                return False
            await self._publish_one(connection, payload)
        return True

    async def _publish_one(self, connection: Connection, payload: str) -> None:
        try:
            notification = parse_notification(payload)
        except UnreadableNotificationError as error:
            logger.warning("live_notification_unreadable", cause=str(error))
            self._feed.interrupt()
        else:
            self._feed.publish(await events_of(connection, notification))

    def _is_needed(self) -> bool:
        return self._users > 0 or asyncio.get_running_loop().time() < self._idle_until


def _clear(notifications: Notifications) -> None:
    while not notifications.empty():
        notifications.get_nowait()
