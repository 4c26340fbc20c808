from collections.abc import AsyncGenerator
from operator import itemgetter

from asyncpg import Record

from api.exports.parameters import Position
from api.exports.parsing import ExportQuery
from api.exports.repository import ExportRepository
from api.exports.schemas import ReadingPage
from api.files.running import RunningExports
from api.files.tables import Column, Kind, Table
from api.http.pagination import encode_cursor
from api.readings.stored_reading import StoredReading

TABLE: Table[Record] = Table(
    (
        Column("equipmentId", Kind.TEXT, itemgetter(0)),
        Column("timestamp", Kind.TIMESTAMP, itemgetter(1)),
        Column("value", Kind.NUMBER, itemgetter(2)),
        Column("registerTime", Kind.TIMESTAMP, itemgetter(3)),
    ),
    to_object=lambda record: StoredReading(*record),
)


class ExportService:
    """Exports stored readings: page by page, or a whole range as a file."""

    def __init__(self, repository: ExportRepository, running: RunningExports) -> None:
        self._repository = repository
        self._running = running

    async def page(self, query: ExportQuery) -> ReadingPage:
        """The first readings of the query, as many as its limit."""
        records = await self._repository.page(query, query.limit + 1)
        items = [StoredReading(*record) for record in records[: query.limit]]
        if len(records) <= query.limit:
            return ReadingPage(items, None)
        last = Position(items[-1].timestamp, items[-1].equipment_id)
        return ReadingPage(items, encode_cursor(last))

    def file_chunks(self, query: ExportQuery) -> AsyncGenerator[bytes]:
        """All readings as a file. Raises TooManyExportsError before anything is read."""
        batches = self._repository.fetch_all(query)
        return self._running.file_chunks(query.representation, TABLE, batches)
