import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from api.exports.errors import TooManyExportsError
from api.exports.parsing import Asked, Position
from api.exports.repository import ExportRepository
from api.exports.schemas import ReadingPage, StoredReading
from api.http.pagination import encode_cursor


class ExportService:
    """Gives stored readings out: pages, or a whole range as a file."""

    def __init__(self, repository: ExportRepository, most_at_once: int) -> None:
        self._repository = repository
        self._most_at_once = most_at_once
        self._running = 0

    async def page(self, asked: Asked) -> ReadingPage:
        """The first of the readings, as many as the limit."""
        rows = await self._repository.page(asked, asked.limit + 1)
        items = [StoredReading(*row) for row in rows[: asked.limit]]
        if len(rows) <= asked.limit:
            return ReadingPage(items, None)
        last = Position(items[-1].timestamp, items[-1].equipment_id)
        return ReadingPage(items, encode_cursor(last))

    async def pieces(self, asked: Asked) -> AsyncGenerator[bytes]:
        """All the readings as a file. Raises TooManyExportsError before anything is read."""
        if self._running >= self._most_at_once:
            raise TooManyExportsError
        self._running += 1
        try:
            # Here, for pyarrow takes 30 MB that a server which only takes readings in can spare.
            from api.exports.encoders import encoder_of  # noqa: PLC0415  # as said

            encoder = encoder_of(asked.format)
            async with aclosing(self._repository.slices(asked)) as slices:
                async for rows in slices:
                    if piece := await asyncio.to_thread(encoder.encode, rows):
                        yield piece
            if piece := await asyncio.to_thread(encoder.end):
                yield piece
        finally:
            self._running -= 1
