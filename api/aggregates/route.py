"""Which statements read the rows of a query, and whether in a transaction.

A statement of its own for the hourly rollup is planned, or returns its rows, in less time than the
one for any rollup: sql/queries/aggregate_hours.sql.
"""

from enum import Enum, auto
from typing import Literal, TypeAlias

from api.aggregates.buckets import Source
from api.aggregates.cursor import BEGINNING
from api.aggregates.gapfill import Fill
from api.aggregates.query import AggregateQuery, Grouping

# Caching so few rows costs more on the first request than it saves on the next.
ONE_STATEMENT_MAX_ROWS = 1_000


class Route(Enum):
    """How rows are read. Each is named after its statement or what that returns."""

    # State and hours of a few ids in one statement, which sees one snapshot without a transaction.
    # The cache and executions in flight are not looked at: that would take a transaction each time.
    ONE_STATEMENT = auto()
    # All hours by a cursor, encoded in batches: of what is materialised only two are in memory.
    STREAMED_HOURS = auto()
    # Hours of prefixes in the order of an index, so that a page reads no others.
    HOURS_IN_ORDER = auto()
    # Hours of ids: so short a statement is planned in less than half the time.
    HOURS_OF_IDS = auto()
    # Buckets that are rows of a rollup.
    ROLLUP_ROWS = auto()
    # Buckets of all equipment together, each summed up from rows of the one rollup or the other.
    HOURS_TOGETHER = auto()
    DAYS_TOGETHER = auto()
    # Buckets between any boundaries, from rows of a rollup or of readings.
    BUCKETED_ROWS = auto()


PageRoute: TypeAlias = Literal[
    Route.HOURS_IN_ORDER,
    Route.HOURS_OF_IDS,
    Route.ROLLUP_ROWS,
    Route.HOURS_TOGETHER,
    Route.DAYS_TOGETHER,
    Route.BUCKETED_ROWS,
]
SnapshotRoute: TypeAlias = Literal[Route.STREAMED_HOURS] | PageRoute


def choose_route(query: AggregateQuery) -> Route:
    """The route of a query for which no transaction is open yet."""
    return Route.ONE_STATEMENT if _is_small(query) else choose_snapshot_route(query)


def choose_snapshot_route(query: AggregateQuery) -> SnapshotRoute:
    """The route of a query in the snapshot of a transaction."""
    complete = query.limit is None and _is_plain(query)
    if complete and _is_in_order(query):
        return Route.STREAMED_HOURS
    return choose_page_route(query)


def choose_page_route(query: AggregateQuery) -> PageRoute:
    """The route of a page: rows that are returned at once, also to fill gaps and to compare."""
    if not query.buckets.are_rows:
        return Route.BUCKETED_ROWS
    if query.grouping is Grouping.ALL:
        by_hour = query.buckets.source is Source.HOURS
        return Route.HOURS_TOGETHER if by_hour else Route.DAYS_TOGETHER
    if _is_in_order(query):
        return Route.HOURS_IN_ORDER
    if _is_of_hours(query) and not query.equipment.prefixes:
        return Route.HOURS_OF_IDS
    return Route.ROLLUP_ROWS


def _is_small(query: AggregateQuery) -> bool:
    """Whether all of it is a few hours of a few ids, on one page."""
    if query.equipment.prefixes:
        return False
    max_rows = len(query.equipment.ids) * (len(query.buckets.boundaries) - 1)
    limit = min(ONE_STATEMENT_MAX_ROWS, query.limit or ONE_STATEMENT_MAX_ROWS)
    return max_rows <= limit and _is_plain(query) and _is_of_hours(query)


def _is_plain(query: AggregateQuery) -> bool:
    """Whether rows are returned as stored, from the first one."""
    return query.fill is Fill.NONE and query.comparison is None and query.after == BEGINNING


def _is_in_order(query: AggregateQuery) -> bool:
    """Whether an index gives the rows in order of their hours, so that no others are read."""
    return _is_of_hours(query) and not query.equipment.ids_without_prefix


def _is_of_hours(query: AggregateQuery) -> bool:
    """Whether each bucket is a row of the hourly rollup."""
    by_equipment = query.grouping is Grouping.EQUIPMENT
    return by_equipment and query.buckets.are_rows and query.buckets.source is Source.HOURS
