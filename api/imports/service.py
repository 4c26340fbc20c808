from asyncio import to_thread
from collections.abc import AsyncGenerator, AsyncIterator
from uuid import UUID

from litestar.response.sse import ServerSentEventMessage

from api.http.csv_dialects import CsvDialect
from api.http.pagination import cursor_parser, encode_cursor
from api.imports.cursor import Cursor
from api.imports.errors import ImportStateError
from api.imports.events import event_id, stream_events
from api.imports.progress_feed import ProgressFeed
from api.imports.rejects_file import HEADER_LINE, escape_rows
from api.imports.repository import ImportRepository
from api.imports.schemas import Import, ImportPage
from core.imports import FINAL_STATES, RETRIABLE, ImportState
from core.storage import Storage, rejects_folder

PARSE_CURSOR = cursor_parser(Cursor)


class ImportService:
    """Reads imports and their rejects, follows, cancels and retries them."""

    def __init__(self, repository: ImportRepository, storage: Storage, feed: ProgressFeed) -> None:
        self._repository = repository
        self._storage = storage
        self._feed = feed

    async def page(self, limit: int, cursor: str | None) -> ImportPage:
        """A page of imports, newest first. Raises InvalidRequestError."""
        after = PARSE_CURSOR("cursor", cursor) if cursor is not None else None
        imports = await self._repository.page(limit + 1, after)
        items = imports[:limit]
        if len(imports) <= limit:
            return ImportPage(items, None)
        last = Cursor(items[-1].created_at, items[-1].import_id)
        return ImportPage(items, encode_cursor(last))

    async def get(self, import_id: UUID) -> Import:
        """The import as it stands. Raises ImportNotFoundError."""
        return await self._repository.get(import_id)

    async def get_finished(self, import_id: UUID, timeout_seconds: float) -> Import:
        """The import when it is finished, or as it stands after the timeout."""
        await self._feed.wait_until_final(import_id, timeout_seconds)
        return await self._repository.get(import_id)

    async def events(
        self, import_id: UUID, last_event_id: str
    ) -> AsyncGenerator[ServerSentEventMessage] | None:
        """The import's events; None: it has ended, and the client has received the last one.

        Raises ImportNotFoundError before the first event.
        """
        current = await self._repository.get(import_id)
        if current.state in FINAL_STATES and event_id(current) == last_event_id:
            return None
        return stream_events(self._feed, current, last_event_id)

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
        """The import, queued to continue after its last batch.

        Raises ImportNotFoundError, or ImportStateError when it has neither failed nor been
        cancelled, or when its file never arrived.
        """
        queued = await self._repository.retry(import_id)
        current = await self._repository.get(import_id)
        if not queued:
            raise ImportStateError(f"The import is {current.state}: {_retry_obstacle(current)}")
        return current

    async def rejects(
        self, import_id: UUID, dialect: CsvDialect = CsvDialect.PLAIN
    ) -> AsyncIterator[bytes]:
        """The rejected rows as CSV. Raises ImportNotFoundError before the first chunk."""
        generation = await self._repository.rejects_generation(import_id)
        parts = await self._storage.keys(rejects_folder(import_id, generation))
        match dialect:
            case CsvDialect.PLAIN:
                return self._plain_rejects(parts)
            case CsvDialect.SPREADSHEET:
                return self._escaped_rejects(parts)

    async def _plain_rejects(self, parts: list[str]) -> AsyncIterator[bytes]:
        yield HEADER_LINE
        for part in parts:
            async for chunk in self._storage.read(part):
                yield chunk

    async def _escaped_rejects(self, parts: list[str]) -> AsyncIterator[bytes]:
        yield HEADER_LINE
        for part in parts:
            content = b"".join([chunk async for chunk in self._storage.read(part)])
            yield await to_thread(escape_rows, content)


def _retry_obstacle(current: Import) -> str:
    if current.state in RETRIABLE:
        return "its file never arrived. Ask for a new upload."
    return "only a failed or cancelled one can be retried."
