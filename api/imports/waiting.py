"""Waiting for imports without a connection a waiter: one query asks for all of them."""

import asyncio
from contextlib import suppress
from uuid import UUID

from api.imports.repository import ImportRepository
from core.errors import DatabaseUnavailableError

POLL_SECONDS = 0.2


class FinishedImports:
    """Polls while anybody waits, so a restart of the database is no event to recover from."""

    def __init__(self, repository: ImportRepository) -> None:
        self._repository = repository
        self._waiters: dict[UUID, set[asyncio.Event]] = {}
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    async def wait(self, import_id: UUID, timeout_seconds: float) -> None:
        """Return when the import is finished, the time is over, or the server stops."""
        if self._closed:
            return
        finished = asyncio.Event()
        self._waiters.setdefault(import_id, set()).add(finished)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await finished.wait()
        finally:
            self._leave(import_id, finished)

    def close(self) -> None:
        """Send every waiter on and let nobody wait any more."""
        self._closed = True
        self._release(set(self._waiters))

    async def _poll(self) -> None:
        while self._waiters:
            with suppress(DatabaseUnavailableError):
                self._release(await self._repository.finished_among(self._waiters))
            await asyncio.sleep(POLL_SECONDS)

    def _release(self, import_ids: set[UUID]) -> None:
        for import_id in import_ids:
            for finished in self._waiters.get(import_id, ()):
                finished.set()

    def _leave(self, import_id: UUID, finished: asyncio.Event) -> None:
        self._waiters[import_id].discard(finished)
        if not self._waiters[import_id]:
            del self._waiters[import_id]
