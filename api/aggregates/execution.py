"""Executes a query in a snapshot: a page of rows, gaps filled and compared as it requests."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from asyncpg import Record

from api.aggregates.bucket_row import AnyBucketRow, BucketRow, get_key, get_position, get_start
from api.aggregates.cursor import BEGINNING, BucketPosition
from api.aggregates.gapfill import MAX_FILLED_BUCKETS, Fill, fill_gaps
from api.aggregates.query import AggregateQuery, ComparisonQuery
from api.aggregates.repository import SampleTotals, Snapshot, sum_rows
from api.aggregates.resolutions import RESOLUTION_LIMITS
from api.aggregates.route import PageRoute, choose_page_route
from api.http.parsers import invalid_parameter
from api.http.problem_details import InvalidRequestError

RowKey = tuple[str | None, int]  # id and start


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive buckets of a query, and of a comparison their counterparts by their keys.

    `totals`, over the whole range, are only there if they took no further statement.
    """

    rows: Sequence[AnyBucketRow]
    has_next: bool = False
    totals: SampleTotals | None = None
    counterparts: Mapping[RowKey, Record] | None = None

    @property
    def last(self) -> BucketPosition | None:
        """The position after which the next batch begins, if there is one."""
        if not self.has_next:
            return None
        start, equipment_id = get_position(self.rows[-1])
        return BucketPosition(start, equipment_id or "")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the buckets, and the totals over the whole range and over the earlier one."""

    totals: SampleTotals
    batch: Batch
    comparison_totals: SampleTotals | None = None


async def execute(snapshot: Snapshot, query: AggregateQuery, route: PageRoute) -> Page:
    """The page of the query's buckets, in order of their start and equipment.

    Raises InvalidRequestError if there are more buckets than can be filled.
    """
    batch = await read_batch(snapshot, query, route)
    totals = batch.totals or await snapshot.totals(query)
    if query.comparison is None:
        return Page(totals, batch)
    return Page(totals, batch, await snapshot.totals(query.comparison.query))


def single_page(rows: Sequence[AnyBucketRow]) -> Page:
    """All rows of a query as its only page."""
    return Page(sum_rows(rows), Batch(rows))


async def read_batch(snapshot: Snapshot, query: AggregateQuery, route: PageRoute) -> Batch:
    """The buckets of the page, with their counterparts; raises as `execute` does."""
    read = _stored_batch if query.fill is Fill.NONE else _filled_batch
    batch = await read(snapshot, query, route)
    if query.comparison is None:
        return batch
    counterparts = await _read_counterparts(snapshot, query.comparison, batch.rows)
    return replace(batch, counterparts=counterparts)


async def _stored_batch(snapshot: Snapshot, query: AggregateQuery, route: PageRoute) -> Batch:
    rows = await snapshot.page(query, route)
    has_next = query.limit is not None and len(rows) > query.limit
    complete = query.after == BEGINNING and not has_next
    return Batch(rows[: query.limit], has_next, sum_rows(rows) if complete else None)


async def _filled_batch(snapshot: Snapshot, query: AggregateQuery, route: PageRoute) -> Batch:
    unpaged = replace(query, after=BEGINNING, limit=MAX_FILLED_BUCKETS)
    rows = [BucketRow._make(row) for row in await snapshot.page(unpaged, route)]
    ids = await _sort_ids(snapshot, {row.equipment_id for row in rows})
    starts = [*query.buckets.lengths_seconds()]
    if max(len(rows), len(ids) * len(starts)) > MAX_FILLED_BUCKETS:
        raise _too_many_to_fill(query, len(ids))
    buckets = [*fill_gaps(rows, ids, starts, query.fill)]
    first = _count_before(query, ids, starts)
    last = len(buckets) if query.limit is None else first + query.limit
    return Batch(buckets[first:last], last < len(buckets), sum_rows(rows))


async def _sort_ids(snapshot: Snapshot, names: Collection[str | None]) -> list[str | None]:
    """The ids in the order of pages; buckets of all equipment together have None as their id."""
    ids = [name for name in names if name is not None]
    return [*await snapshot.sort_ids(ids)] if ids else [*names]


def _count_before(query: AggregateQuery, ids: Sequence[str | None], starts: Sequence[int]) -> int:
    """How many buckets the previous pages hold."""
    if query.after == BEGINNING:
        return 0
    preceding_starts = bisect_left(starts, query.after.interval_start)
    last_id = query.after.equipment_id or None
    return preceding_starts * len(ids) + (ids.index(last_id) + 1 if last_id in ids else 0)


def _too_many_to_fill(query: AggregateQuery, equipment: int) -> InvalidRequestError:
    fitting = (
        name
        for name, limit in RESOLUTION_LIMITS.items()
        if limit.width > RESOLUTION_LIMITS[query.resolution].width
        and equipment * (query.span.length / limit.width) < MAX_FILLED_BUCKETS
    )
    remedy = next((f"ask for {name} or coarser" for name in fitting), "ask for less equipment")
    message = f"tells at most {MAX_FILLED_BUCKETS} buckets of all equipment; {remedy}"
    return invalid_parameter("fill", message, "range_too_long")


async def _read_counterparts(
    snapshot: Snapshot, comparison: ComparisonQuery, page: Sequence[AnyBucketRow]
) -> Mapping[RowKey, Record]:
    """The counterparts of the page's rows that have readings."""
    query = comparison.query
    starts = {start: comparison.counterpart_start(start) for start in set(map(get_start, page))}
    existing = [start for start in starts.values() if start is not None]
    if not existing:
        return {}
    buckets = query.buckets.starting_between(min(existing), max(existing))
    earlier = await snapshot.page(replace(query, buckets=buckets), choose_page_route(query))
    by_key = {get_key(row): row for row in earlier}
    counterparts = (((name, start), (name, starts[start])) for name, start in map(get_key, page))
    return {key: by_key[other] for key, other in counterparts if other in by_key}
