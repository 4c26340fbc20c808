"""What a snapshot holds for a query: a page, filled or compared as it asks."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from asyncpg import Record

from api.aggregates.cursor import BEGINNING
from api.aggregates.gapfill import MOST_FILLED, Bucket, Fill, filled
from api.aggregates.query import AggregateQuery, ComparisonQuery
from api.aggregates.repository import Row, Snapshot, Totals, added_up
from api.aggregates.resolutions import RESOLUTION_LIMITS
from api.http.problem_details import InvalidRequestError
from api.http.query_parameters import refusal

Key = tuple[str | None, int]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The totals of the earlier range, and the counterparts of the page's buckets by their keys."""

    totals: Totals
    rows: Mapping[Key, Record]


@dataclass(frozen=True, slots=True)
class Found:
    """The totals over the whole range and a page of its buckets."""

    totals: Totals
    rows: Sequence[Row]
    more: bool
    earlier: Earlier | None = None


async def find(snapshot: Snapshot, query: AggregateQuery) -> Found:
    """The page of the query's buckets, in order of their start and equipment.

    Raises InvalidRequestError if there are more buckets than can be filled.
    """
    page = await (_plain if query.fill is Fill.NONE else _filled)(snapshot, query)
    if query.comparison is None:
        return page
    return replace(page, earlier=await _earlier(snapshot, query.comparison, page.rows))


def whole(rows: Sequence[Row]) -> Found:
    """A page that holds all there is."""
    return Found(added_up(rows), rows, more=False)


async def _plain(snapshot: Snapshot, query: AggregateQuery) -> Found:
    rows = await snapshot.page(query)
    more = query.limit is not None and len(rows) > query.limit
    whole = query.after == BEGINNING and not more
    totals = added_up(rows) if whole else await snapshot.totals(query)
    return Found(totals, rows[: query.limit], more)


async def _filled(snapshot: Snapshot, query: AggregateQuery) -> Found:
    everything = replace(query, after=BEGINNING, limit=MOST_FILLED)
    rows = [Bucket(*row) for row in await snapshot.page(everything)]
    ids = await _in_order(snapshot, {row.equipment_id for row in rows})
    starts = [*query.buckets.lengths_seconds()]
    if max(len(rows), len(ids) * len(starts)) > MOST_FILLED:
        raise _too_much_to_fill(query, len(ids))
    cells = [*filled(rows, ids, starts, query.fill)]
    first = _place(query, ids, starts)
    last = len(cells) if query.limit is None else first + query.limit
    return Found(added_up(rows), cells[first:last], last < len(cells))


async def _in_order(snapshot: Snapshot, names: Collection[str | None]) -> list[str | None]:
    """The ids as pages have them; all equipment taken together has none."""
    ids = [name for name in names if name is not None]
    return [*await snapshot.in_order(ids)] if ids else [*names]


def _place(query: AggregateQuery, ids: Sequence[str | None], starts: Sequence[int]) -> int:
    """How many cells the pages before have told."""
    if query.after == BEGINNING:
        return 0
    buckets = bisect_left(starts, query.after.interval_start)
    told = query.after.equipment_id or None
    return buckets * len(ids) + (ids.index(told) + 1 if told in ids else 0)


def _too_much_to_fill(query: AggregateQuery, equipment: int) -> InvalidRequestError:
    fits = (
        name
        for name, limit in RESOLUTION_LIMITS.items()
        if limit.width > RESOLUTION_LIMITS[query.resolution].width
        and equipment * (query.span.length / limit.width) < MOST_FILLED
    )
    remedy = next((f"ask for {name} or coarser" for name in fits), "ask for less equipment")
    message = f"tells at most {MOST_FILLED} buckets of all equipment; {remedy}"
    return refusal("fill", message, "range_too_long")


async def _earlier(snapshot: Snapshot, compared: ComparisonQuery, page: Sequence[Row]) -> Earlier:
    """The counterparts by the keys of the page."""
    query = compared.query
    totals = await snapshot.totals(query)
    wanted = {start: compared.counterpart_start(start) for start in {row[1] for row in page}}
    starts = [start for start in wanted.values() if start is not None]
    if not starts:
        return Earlier(totals, {})
    part = query.buckets.starting_between(min(starts), max(starts))
    known = {(row[0], row[1]): row for row in await snapshot.page(replace(query, buckets=part))}
    counterparts = (((row[0], row[1]), (row[0], wanted[row[1]])) for row in page)
    return Earlier(totals, {key: known[other] for key, other in counterparts if other in known})
