from collections.abc import AsyncIterator
from uuid import UUID

from api.cursors import cursor_of, encode_cursor
from api.imports.cursor import Cursor
from api.imports.errors import ImportStateError
from api.imports.repository import ImportRepository
from api.imports.schemas import Import, ImportPage
from api.imports.waiting import FinishedImports
from core.imports import RETRIABLE, ImportState
from core.storage import Storage, rejects_folder

REJECTS_HEADER = b"line,code,column,row\n"
AFTER = cursor_of(Cursor)


class ImportService:
    """Tells what became of the files, and ends or begins again what is to be loaded."""

    def __init__(
        self, repository: ImportRepository, storage: Storage, finished: FinishedImports
    ) -> None:
        self._repository = repository
        self._storage = storage
        self._finished = finished

    async def page(self, limit: int, cursor: str | None) -> ImportPage:
        """A page of imports, newest first. Raises InvalidRequestError."""
        after = AFTER("cursor", cursor) if cursor is not None else None
        found = await self._repository.page(limit + 1, after)
        items = found[:limit]
        if len(found) <= limit:
            return ImportPage(items, None)
        last = Cursor(items[-1].created_at, items[-1].import_id)
        return ImportPage(items, encode_cursor(last))

    async def get(self, import_id: UUID) -> Import:
        """The import as it stands. Raises ImportNotFoundError."""
        return await self._repository.get(import_id)

    async def get_finished(self, import_id: UUID, timeout_seconds: float) -> Import:
        """The import when it is finished, or as it stands after the timeout."""
        await self._finished.wait(import_id, timeout_seconds)
        return await self._repository.get(import_id)

    async def cancel(self, import_id: UUID) -> Import:
        """The import, cancelled; what it has loaded stays. Harmless when repeated.

        Raises ImportNotFoundError, or ImportStateError when all of its rows are loaded or it has
        failed.
        """
        await self._repository.cancel(import_id)
        current = await self._repository.get(import_id)
        if current.state != ImportState.CANCELLED:
            raise ImportStateError(
                f"The import is {current.state}: only one that waits or loads can be cancelled."
            )
        return current

    async def retry(self, import_id: UUID) -> Import:
        """The import, queued to go on behind its last batch.

        Raises ImportNotFoundError, or ImportStateError when it has neither failed nor been
        cancelled, or when its file never arrived.
        """
        queued = await self._repository.retry(import_id)
        current = await self._repository.get(import_id)
        if not queued:
            raise ImportStateError(f"The import is {current.state}: {_why_no_retry(current)}")
        return current

    async def rejects(self, import_id: UUID) -> AsyncIterator[bytes]:
        """The rejected rows as CSV. Raises ImportNotFoundError before anything is read."""
        await self._repository.get(import_id)
        return self._rejects(await self._storage.keys(rejects_folder(import_id)))

    async def _rejects(self, parts: list[str]) -> AsyncIterator[bytes]:
        yield REJECTS_HEADER
        for part in parts:
            async for chunk in self._storage.read(part):
                yield chunk


def _why_no_retry(current: Import) -> str:
    if current.state in RETRIABLE:
        return "its file never arrived. Ask for a new upload."
    return "only a failed or cancelled one can be retried."
