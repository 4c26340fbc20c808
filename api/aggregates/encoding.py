"""Encodes pages of bucket rows as the JSON of a response."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat, starmap
from math import isinf
from types import MappingProxyType
from typing import cast

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from api.aggregates.bucket_row import (
    AnyBucketRow,
    BucketRow,
    get_key,
    get_start,
    getter,
)
from api.aggregates.cursor import BucketPosition, Cursor
from api.aggregates.execution import Batch, Page
from api.aggregates.query import DEFAULT_STATISTICS, AggregateQuery, Grouping, Statistic
from api.aggregates.repository import NO_SAMPLES, DataState, SampleTotals, sum_rows
from api.aggregates.schemas import Aggregates, Earlier, Item
from api.http.pagination import encode_cursor
from api.http.stale_ranges import StaleRange

STATISTIC_COLUMNS: Mapping[Statistic, str] = MappingProxyType(
    {
        Statistic.TOTAL: "total_value",
        Statistic.COUNT: "sample_count",
        Statistic.AVERAGE: "average",
        Statistic.MINIMUM: "minimum",
        Statistic.MAXIMUM: "maximum",
        Statistic.FIRST: "first",
        Statistic.LAST: "last",
        Statistic.RANGE: "range",
    }
)
GETTERS = {name: getter(name) for name in BucketRow._fields}
OMITTED = repeat(UNSET)  # the column of a field that is left out of every item

get_extremes = getter("minimum", "maximum")


class EncodedResult(Struct, frozen=True, array_like=True):
    """The part of a response that is the same as long as the data are, so that it can be cached.

    `items` is JSON; the next page begins after `last`, if there is one.
    """

    totals: SampleTotals
    items: bytes
    last: BucketPosition | None
    comparison_totals: SampleTotals | None


def encode_page(query: AggregateQuery, page: Page) -> EncodedResult:
    """The page with its items as JSON."""
    items = msgspec.json.encode(build_items(query, page.batch))
    return EncodedResult(page.totals, items, page.batch.last, page.comparison_totals)


class StreamingEncoder:
    """Encodes all rows of a query in batches, which must come in order."""

    def __init__(self, query: AggregateQuery) -> None:
        self._query = query
        self._totals = NO_SAMPLES
        self._items: list[bytes | memoryview] = []  # each after a comma

    def add(self, rows: Sequence[AnyBucketRow]) -> None:
        """Encode the next batch."""
        self._totals = sum_rows(rows, self._totals)
        if rows:
            items = msgspec.json.encode(build_items(self._query, Batch(rows)))
            self._items += (b",", memoryview(items)[1:-1])

    def result(self) -> EncodedResult:
        """The rows added so far, as the only page."""
        return EncodedResult(self._totals, b"".join((b"[", *self._items[1:], b"]")), None, None)


def encode_response(
    query: AggregateQuery, states: Sequence[DataState], result: EncodedResult
) -> bytes:
    """The response as JSON of `Aggregates`; the states are those of `query.with_comparison`."""
    response = Aggregates(
        average=result.totals.average,
        total_count=result.totals.count,
        items=cast("list[Item]", Raw(result.items)),  # encoded already
        as_of=query.requested_at,
        interval=query.interval or UNSET,
        resolution=query.resolution,
        tz=query.zone.key if query.zone else UNSET,
        start=query.span.start,
        end=query.span.end,
        stale_ranges=_stale_ranges(states[0]),
        compared=_comparison(query, states, result.comparison_totals),
        next_cursor=_next_cursor(query, result.last),
    )
    return msgspec.json.encode(response)


def _comparison(
    query: AggregateQuery, states: Sequence[DataState], totals: SampleTotals | None
) -> Earlier | UnsetType:
    if query.comparison is None or totals is None:
        return UNSET
    span = query.comparison.query.span
    return Earlier(
        average=totals.average,
        total_count=totals.count,
        start=span.start,
        end=span.end,
        stale_ranges=_stale_ranges(states[1]),
    )


def _stale_ranges(state: DataState) -> list[StaleRange]:
    return [StaleRange(start, end) for start, end in state.stale]


def build_items(query: AggregateQuery, batch: Batch) -> list[Item]:
    """The items of the rows."""
    by_start = query.buckets.lengths_seconds() if query.zone else {}
    starts = map(get_start, batch.rows)
    lengths = [by_start.get(start, UNSET) for start in starts] if by_start else OMITTED
    return _build_items(query, batch.rows, lengths, _counterparts(query, batch))


def _counterparts(query: AggregateQuery, batch: Batch) -> Iterable[Item | UnsetType | None]:
    if batch.counterparts is None:
        return OMITTED
    rows = batch.counterparts
    items = dict(zip(rows, _build_items(query, list(rows.values())), strict=True))
    return [items.get(key) for key in map(get_key, batch.rows)]


def _build_items(
    query: AggregateQuery,
    rows: Sequence[AnyBucketRow],
    lengths: Iterable[int | UnsetType] = OMITTED,
    counterparts: Iterable[Item | UnsetType | None] = OMITTED,
) -> list[Item]:
    """Items made column by column, or straight from the rows: there may be tens of thousands.

    The fields of `Item` begin with the columns of a row.
    """
    by_equipment = query.grouping is Grouping.EQUIPMENT
    default = by_equipment and query.statistics == DEFAULT_STATISTICS
    if default and lengths is counterparts is OMITTED:
        return list(starmap(Item, rows))
    columns = requested_columns(query)
    values = [
        map(GETTERS[name], rows) if name in columns else OMITTED for name in BucketRow._fields
    ]
    ranges = _ranges(rows) if Statistic.RANGE in query.statistics else OMITTED
    return list(map(Item, *values, ranges, lengths, counterparts))


def requested_columns(query: AggregateQuery) -> set[str]:
    """The fields that an item has by its grouping and the requested statistics."""
    key = {"interval_start"} | ({"equipment_id"} if query.grouping is Grouping.EQUIPMENT else set())
    return key | {STATISTIC_COLUMNS[name] for name in query.statistics}


def _ranges(rows: Sequence[AnyBucketRow]) -> list[float | None]:
    """Null without values, and where the difference is too large for a number."""
    differences = (None if low is None else high - low for low, high in map(get_extremes, rows))
    return [None if value is None or isinf(value) else value for value in differences]


def _next_cursor(query: AggregateQuery, last: BucketPosition | None) -> str | UnsetType | None:
    """Unset if the query has no pages, None on the last one."""
    if query.limit is None:
        return UNSET
    if last is None:
        return None
    cursor = Cursor(query.span.start, query.span.end, query.resolution, last)
    return encode_cursor(cursor)
