"""From what was found to what is told."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat, starmap
from operator import itemgetter
from typing import Any, cast

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from api.aggregates.cursor import BucketPosition, Cursor
from api.aggregates.execution import Found
from api.aggregates.gapfill import Bucket
from api.aggregates.query import DEFAULT_STATISTICS, AggregateQuery, Grouping, Statistic
from api.aggregates.repository import NOTHING, Row, State, Totals, added_up
from api.aggregates.schemas import Aggregates, Earlier, Item
from api.http.pagination import encode_cursor
from api.http.stale_ranges import StaleRange

COLUMNS = (  # of a row, behind the id and the start of the bucket
    Statistic.TOTAL,
    Statistic.COUNT,
    Statistic.AVERAGE,
    Statistic.MINIMUM,
    Statistic.MAXIMUM,
    Statistic.FIRST,
    Statistic.LAST,
)
UNTOLD = repeat(UNSET)


class Finding(Struct, frozen=True, array_like=True):
    """What is told of a query whenever it is asked, while its data stay the same.

    `items` is JSON; the next page begins behind `last`, if there is one.
    """

    totals: Totals
    items: bytes
    last: BucketPosition | None
    earlier: Totals | None


def finding(query: AggregateQuery, found: Found) -> Finding:
    """What was found, as it is told."""
    last = BucketPosition(found.rows[-1][1], found.rows[-1][0] or "") if found.more else None
    items = msgspec.json.encode(_items(query, found))
    earlier = found.earlier.totals if found.earlier else None
    return Finding(found.totals, items, last, earlier)


class Telling:
    """A finding in the making: of rows that are taken some at a time, in their order."""

    def __init__(self, query: AggregateQuery) -> None:
        self._question = query
        self._totals = NOTHING
        self._items: list[bytes | memoryview] = []  # each behind a comma

    def take(self, rows: Sequence[Row]) -> None:
        """Tell these as well."""
        self._totals = added_up(rows, self._totals)
        if rows:
            found = Found(self._totals, rows, more=False)
            self._items += (b",", memoryview(finding(self._question, found).items)[1:-1])

    def finding(self) -> Finding:
        """What was taken, told as all there is."""
        return Finding(self._totals, b"".join((b"[", *self._items[1:], b"]")), None, None)


def told(query: AggregateQuery, states: Sequence[State], finding: Finding) -> bytes:
    """The answer as JSON of `Aggregates`; the states are of the query's parts."""
    answer = Aggregates(
        average=finding.totals.average,
        total_count=finding.totals.count,
        items=cast("list[Item]", Raw(finding.items)),  # encoded already
        as_of=query.requested_at,
        interval=query.interval or UNSET,
        resolution=query.resolution,
        tz=query.zone.key if query.zone else UNSET,
        start=query.span.start,
        end=query.span.end,
        stale_ranges=_stale_ranges(states[0]),
        compared=_earlier(query, states, finding.earlier),
        next_cursor=_next_cursor(query, finding.last),
    )
    return msgspec.json.encode(answer)


def _earlier(
    query: AggregateQuery, states: Sequence[State], totals: Totals | None
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


def _stale_ranges(state: State) -> list[StaleRange]:
    return [StaleRange(start, end) for start, end in state.stale]


def _items(query: AggregateQuery, found: Found) -> list[Item]:
    seconds = query.buckets.lengths_seconds() if query.zone else {}
    lengths = [seconds.get(row[1], UNSET) for row in found.rows] if seconds else UNTOLD
    return _laid_out(query, found.rows, lengths, _counterparts(query, found))


def _counterparts(query: AggregateQuery, found: Found) -> Iterable[Item | UnsetType | None]:
    if found.earlier is None:
        return UNTOLD
    earlier = found.earlier.rows
    items = dict(zip(earlier, _laid_out(query, list(earlier.values())), strict=True))
    return [items.get((row[0], row[1])) for row in found.rows]


def _laid_out(
    query: AggregateQuery,
    rows: Sequence[Row],
    lengths: Iterable[int | UnsetType] = UNTOLD,
    counterparts: Iterable[Item | UnsetType | None] = UNTOLD,
) -> list[Item]:
    """Items made a column at a time, or at once: there may be tens of thousands."""
    by_equipment = query.grouping is Grouping.EQUIPMENT
    if (
        by_equipment
        and query.statistics == DEFAULT_STATISTICS
        and lengths is counterparts is UNTOLD
    ):
        return list(starmap(Item, rows))
    places = range(len(Bucket._fields))
    ids, starts, *values = [list(map(itemgetter(place), rows)) for place in places]
    told_ids = ids if by_equipment else UNTOLD
    statistics = _statistics(query.statistics, values)
    return list(map(Item, told_ids, starts, *statistics, lengths, counterparts))


def _statistics(
    asked: frozenset[Statistic], columns: Iterable[Iterable[Any]]
) -> list[Iterable[Any]]:
    values = dict(zip(COLUMNS, columns, strict=True))
    told = [column if statistic in asked else UNTOLD for statistic, column in values.items()]
    return [*told, _ranges(values) if Statistic.RANGE in asked else UNTOLD]


def _ranges(values: Mapping[Statistic, Iterable[Any]]) -> list[float | None]:
    extremes = zip(values[Statistic.MINIMUM], values[Statistic.MAXIMUM], strict=True)
    return [None if low is None else high - low for low, high in extremes]


def _next_cursor(query: AggregateQuery, last: BucketPosition | None) -> str | UnsetType | None:
    if query.limit is None:
        return UNSET
    if last is None:
        return None
    cursor = Cursor(query.span.start, query.span.end, query.resolution, last)
    return encode_cursor(cursor)
