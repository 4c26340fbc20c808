"""Updates of imports for any number of subscribers in this process.

Polling is right here: one query serves all subscribers, none holds a connection as LISTEN would,
and a restart of the database needs no recovery.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from api.imports.repository import ImportRepository
from api.imports.schemas import Import
from core.errors import DatabaseUnavailableError
from core.imports import FINAL_STATES

POLL_SECONDS = 0.2


class Subscriber:
    """Holds the latest update that its reader has not received; earlier ones are dropped."""

    def __init__(self, last_seen: Import | None) -> None:
        self._last_published = last_seen
        self._pending: Import | None = None
        self._wake = asyncio.Event()
        self.closed = False

    def publish(self, current: Import) -> None:
        """Offer the import as it stands to the reader, unless it is as last published."""
        if current != self._last_published:
            self._last_published = self._pending = current
            self._wake.set()

    def close(self) -> None:
        """Wake the reader: no update will follow."""
        self.closed = True
        self._wake.set()

    async def next_update(self, timeout_seconds: float) -> Import | None:
        """The latest update, as soon as there is one; None after the timeout or once closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._wake.wait()
        self._wake.clear()
        update, self._pending = self._pending, None
        return update


class ProgressFeed:
    """Polls the imports that have subscribers, as long as there are any."""

    def __init__(self, repository: ImportRepository) -> None:
        self._repository = repository
        self._subscribers: dict[UUID, set[Subscriber]] = {}
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    @contextmanager
    def subscribe(self, import_id: UUID, last_seen: Import | None = None) -> Iterator[Subscriber]:
        """A subscriber to every update after `last_seen`.

        It is closed when the import does not exist, or when the server stops.
        """
        subscriber = Subscriber(last_seen)
        if self._closed:
            subscriber.close()
        self._subscribers.setdefault(import_id, set()).add(subscriber)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            yield subscriber
        finally:
            self._unsubscribe(import_id, subscriber)

    async def wait_until_final(self, import_id: UUID, timeout_seconds: float) -> None:
        """Return when the import is in a final state or gone, at the timeout, or at shutdown."""
        deadline = time.monotonic() + timeout_seconds
        with self.subscribe(import_id) as subscriber:
            while not subscriber.closed and (left := deadline - time.monotonic()) > 0:
                current = await subscriber.next_update(left)
                if current is not None and current.state in FINAL_STATES:
                    return

    def close(self) -> None:
        """Close every subscriber, those to come included."""
        self._closed = True
        for subscribers in self._subscribers.values():
            for subscriber in subscribers:
                subscriber.close()

    async def stop(self) -> None:
        """Close, and wait for the query in flight."""
        self.close()
        if self._poller is not None:
            await asyncio.wait((self._poller,))

    async def _poll(self) -> None:
        while self._subscribers and not self._closed:
            with suppress(DatabaseUnavailableError):
                import_ids = list(self._subscribers)
                self._publish(import_ids, await self._repository.get_many(import_ids))
            await asyncio.sleep(POLL_SECONDS)

    def _publish(self, import_ids: list[UUID], imports: dict[UUID, Import]) -> None:
        for import_id in import_ids:
            for subscriber in self._subscribers.get(import_id, ()):
                if import_id in imports:
                    subscriber.publish(imports[import_id])
                else:
                    subscriber.close()

    def _unsubscribe(self, import_id: UUID, subscriber: Subscriber) -> None:
        self._subscribers[import_id].discard(subscriber)
        if not self._subscribers[import_id]:
            del self._subscribers[import_id]
