import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from api.exports.errors import TooManyExportsError
from api.exports.parameters import Position
from api.exports.parsing import ExportQuery
from api.exports.repository import ExportRepository
from api.exports.schemas import ReadingPage
from api.http.pagination import encode_cursor
from api.readings.stored_reading import StoredReading


class ExportService:
    """Exports stored readings: page by page, or a whole range as a file."""

    def __init__(self, repository: ExportRepository, max_running: int) -> None:
        self._repository = repository
        self._max_running = max_running
        self._running = 0

    async def page(self, query: ExportQuery) -> ReadingPage:
        """The first readings of the query, as many as its limit."""
        records = await self._repository.page(query, query.limit + 1)
        items = [StoredReading(*record) for record in records[: query.limit]]
        if len(records) <= query.limit:
            return ReadingPage(items, None)
        last = Position(items[-1].timestamp, items[-1].equipment_id)
        return ReadingPage(items, encode_cursor(last))

    async def file_chunks(self, query: ExportQuery) -> AsyncGenerator[bytes]:
        """All readings as a file. Raises TooManyExportsError before anything is read."""
        if self._running >= self._max_running:
            raise TooManyExportsError
        self._running += 1
        try:
            # Imported here: pyarrow takes 30 MB, which a server without exports can save.
            from api.exports.encoders import new_encoder  # noqa: PLC0415  # as said

            encoder = new_encoder(query.format, query.csv_dialect)
            async with aclosing(self._repository.fetch_all(query)) as batches:
                async for records in batches:
                    if chunk := await asyncio.to_thread(encoder.encode, records):
                        yield chunk
            if chunk := await asyncio.to_thread(encoder.finish):
                yield chunk
        finally:
            self._running -= 1
