"""All buckets of a query as one file."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from api.aggregates.encoding import build_items
from api.aggregates.execution import read_batch
from api.aggregates.gapfill import MAX_FILLED_BUCKETS, Fill
from api.aggregates.metrics import AggregateMetrics, ResultSource
from api.aggregates.prepared_query import prepare
from api.aggregates.query import AggregateQuery
from api.aggregates.repository import AggregateRepository
from api.aggregates.route import choose_page_route
from api.aggregates.schemas import Item
from api.aggregates.table import table_of
from api.auth.visibility import Visibility
from api.files.running import RunningExports

BATCH_BUCKETS = 4_000


@dataclass(frozen=True, slots=True)
class AggregateFile:
    """A file and its entity tag; without chunks the client has it already."""

    tag: str
    chunks: AsyncGenerator[bytes] | None


class AggregateFileService:
    """Makes files of aggregates. They are neither cached nor shared between requests."""

    def __init__(
        self, repository: AggregateRepository, running: RunningExports, metrics: AggregateMetrics
    ) -> None:
        self._repository = repository
        self._running = running
        self._metrics = metrics

    async def file(
        self, query: AggregateQuery, visible: Visibility, if_none_match: str | None
    ) -> AggregateFile:
        """The buckets that start in the query's range, in its representation.

        The tag is of the state before they are read, so a tag is never newer than its file.
        The chunks raise TooManyExportsError before anything is read, and InvalidRequestError if
        there are more buckets than can be filled.
        """
        async with self._repository.snapshot() as snapshot:
            prepared = await prepare(snapshot, query, visible)
        if prepared.is_not_modified(if_none_match):
            self._metrics.count_response(ResultSource.CLIENT)
            return AggregateFile(prepared.tag, None)
        self._metrics.count_response(ResultSource.DATABASE)
        batches = self._batches(prepared.query)
        table = table_of(prepared.query)
        chunks = self._running.file_chunks(query.representation, table, batches)
        return AggregateFile(prepared.tag, chunks)

    async def _batches(self, query: AggregateQuery) -> AsyncGenerator[list[Item]]:
        route = choose_page_route(query)
        # Gaps are filled over the whole range at once, which is bounded.
        limit = BATCH_BUCKETS if query.fill is Fill.NONE else MAX_FILLED_BUCKETS
        part: AggregateQuery | None = replace(query, limit=limit)
        async with self._repository.snapshots() as open_snapshot:
            while part is not None:
                async with open_snapshot() as snapshot:
                    batch = await read_batch(snapshot, part, route)
                yield build_items(query, batch)
                part = None if batch.last is None else replace(part, after=batch.last)
