"""Following imports without a connection a follower: one query asks for all of them."""

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


class Watcher:
    """What one follower has not seen yet: the newest state only, however slow the follower is."""

    def __init__(self, known: Import | None) -> None:
        self._known = known
        self._unseen: Import | None = None
        self._news = asyncio.Event()
        self.ended = False

    def tell(self, current: Import) -> None:
        """Let the follower know, if it does not yet."""
        if current != self._known:
            self._known = self._unseen = current
            self._news.set()

    def end(self) -> None:
        """Send the follower away: nothing more will be told."""
        self.ended = True
        self._news.set()

    async def news(self, timeout_seconds: float) -> Import | None:
        """The newest state, once there is one that was not told; None: not in time, or ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._news.wait()
        self._news.clear()
        unseen, self._unseen = self._unseen, None
        return unseen


class ImportWatch:
    """Polls while anybody follows, so a restart of the database is no event to recover from."""

    def __init__(self, repository: ImportRepository) -> None:
        self._repository = repository
        self._watchers: dict[UUID, set[Watcher]] = {}
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    @contextmanager
    def watching(self, import_id: UUID, known: Import | None = None) -> Iterator[Watcher]:
        """Follow the import from what is `known` of it; when the server stops, the watcher ends."""
        watcher = Watcher(known)
        if self._closed:
            watcher.end()
        self._watchers.setdefault(import_id, set()).add(watcher)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            yield watcher
        finally:
            self._leave(import_id, watcher)

    async def wait_until_final(self, import_id: UUID, timeout_seconds: float) -> None:
        """Return when the import is in a final state or gone, or the time over, or the server."""
        deadline = time.monotonic() + timeout_seconds
        with self.watching(import_id) as watcher:
            while not watcher.ended and (left := deadline - time.monotonic()) > 0:
                current = await watcher.news(left)
                if current is not None and current.state in FINAL_STATES:
                    return

    def close(self) -> None:
        """Send every follower away and let nobody stay any more."""
        self._closed = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end()

    async def stop(self) -> None:
        """Close, and wait for the question under way."""
        self.close()
        if self._poller is not None:
            await asyncio.wait((self._poller,))

    async def _poll(self) -> None:
        while self._watchers and not self._closed:
            with suppress(DatabaseUnavailableError):
                self._tell(list(self._watchers), await self._repository.among(self._watchers))
            await asyncio.sleep(POLL_SECONDS)

    def _tell(self, asked: list[UUID], found: dict[UUID, Import]) -> None:
        for import_id in asked:
            for watcher in self._watchers.get(import_id, ()):
                if import_id in found:
                    watcher.tell(found[import_id])
                else:
                    watcher.end()

    def _leave(self, import_id: UUID, watcher: Watcher) -> None:
        self._watchers[import_id].discard(watcher)
        if not self._watchers[import_id]:
            del self._watchers[import_id]
