import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from asyncpg import Record

from api.aggregates.bucket_row import AnyBucketRow, get_position, getter
from api.aggregates.buckets import Buckets, Source, SourceRange
from api.aggregates.query import AggregateQuery, Grouping
from api.aggregates.resolutions import Density, Resolution
from api.aggregates.route import PageRoute, Route
from core.database import Connection, Pool, borrowed, shares_one_session
from core.queries import all_rows, queries

ConsumeRows: TypeAlias = Callable[[Sequence[AnyBucketRow]], None]
OpenSnapshot: TypeAlias = Callable[[], AbstractAsyncContextManager["Snapshot"]]

STATE_COLUMNS = ("stale", "version")  # of state_and_hours, before those of a bucket row
NO_CHANGES_VERSION = "0"
EVERY_EQUIPMENT_ID = ""  # under which the ledger of changes records what may concern any equipment

# A page is read so many buckets at a time, and more at a time where they hold few rows.
FIRST_READ_BUCKETS = 8
FEW_ROWS = 1_000
GROWTH_FACTOR = 4

# The last batch is encoded while the database has nothing left to do, so batches are small.
BATCH_ROWS = 4_000

get_total_value = getter("total_value")
get_sample_count = getter("sample_count")


@dataclass(frozen=True, slots=True)
class SampleTotals:
    """The sum and the number of all samples."""

    value: float
    count: int

    @property
    def average(self) -> float | None:
        """None without samples."""
        return self.value / self.count if self.count else None


NO_SAMPLES = SampleTotals(0.0, 0)


@dataclass(frozen=True, slots=True)
class DataState:
    """The state of the data that a query reads; differs whenever they do.

    Entity tags are digests of it, the names of its fields included.
    """

    version: str
    stale: list[tuple[datetime, datetime]]

    @property
    def is_cacheable(self) -> bool:
        """Whether the same state always means the same rows.

        It does not where a refresh is due, which changes rows; nor where the ledger of changes
        holds nothing, as when readings are inserted without it.
        """
        return not self.stale and self.version != NO_CHANGES_VERSION


class AggregateRepository:
    """Reads rollups, and readings where rollups are not fine enough."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Snapshot"]:
        """A read-only transaction, in whose one snapshot all of a query is read."""
        async with (
            borrowed(self._pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield Snapshot(connection)

    @asynccontextmanager
    async def snapshots(self) -> AsyncIterator[OpenSnapshot]:
        """What opens a snapshot for each part of a long result: the same one every time.

        Where all clients share one session, a snapshot would block everyone else as long as a
        client reads: there each part has one of its own.
        """
        async with AsyncExitStack() as stack:
            snapshot = await stack.enter_async_context(self.snapshot())
            if await snapshot.shares_one_session():
                await stack.aclose()
                yield self.snapshot
            else:
                yield lambda: nullcontext(snapshot)

    async def state(self, query: AggregateQuery) -> DataState:
        """The current state."""
        async with borrowed(self._pool) as connection:
            return await Snapshot(connection).state(query)

    async def state_and_hours(
        self, query: AggregateQuery
    ) -> tuple[DataState, Sequence[AnyBucketRow]]:
        """The state and all rows of a small query, in order, from one statement's snapshot."""
        async with borrowed(self._pool) as connection:
            rows = await all_rows(
                queries().state_and_hours,
                connection,
                **_span_and_days(query),
                ids=query.equipment.ids_without_prefix,
            )
        first, state_columns = rows[0], len(STATE_COLUMNS)
        hours = [] if first["equipment_id"] is None else [row[state_columns:] for row in rows]
        hours.sort(key=get_position)  # in half the time that the database takes
        return DataState(first["version"], _ranges(first["stale"])), hours


class Snapshot:
    """The data in the snapshot of a connection's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._plans_for_each_range = False

    async def shares_one_session(self) -> bool:
        """Whether other clients wait until the snapshot is closed."""
        return await shares_one_session(self._connection)

    async def state(self, query: AggregateQuery) -> DataState:
        """The version of the readings and the stale ranges; raw readings are never stale."""
        equipment = query.equipment
        row = await queries().aggregate_state(
            self._connection,
            **_span_and_days(query),
            patterns=equipment.like_patterns,
            ids=replace(equipment, ids=(*equipment.ids, EVERY_EQUIPMENT_ID)).ids_without_prefix,
        )
        from_rollups = query.buckets.source is not Source.READINGS
        return DataState(row["version"], _ranges(row["stale"]) if from_rollups else [])

    async def page(self, query: AggregateQuery, route: PageRoute) -> list[Record]:
        """The rows of a page in order of start and equipment, and one more if there is a next."""
        await self._set_plan_mode(query)
        return await _page(self._connection, query, route)

    async def stream_hours(self, query: AggregateQuery, consume: ConsumeRows) -> None:
        """Pass all hours, in order, to `consume` in batches; each while the next is fetched."""
        await self._set_plan_mode(query)
        async with aclosing(self._batches(query)) as batches:
            rows = await anext(batches, None)
            while rows is not None:
                rows = await _consume_while_fetching(batches, consume, rows)

    async def _batches(self, query: AggregateQuery) -> AsyncGenerator[list[Record]]:
        parameters = {
            **_range_parameters(query.buckets.source_range),
            **_equipment_parameters(query),
            "resume": query.buckets.boundaries[0],
            "after_id": "",
            "row_limit": None,
        }
        async with queries().materialised_hours_cursor(self._connection, **parameters) as opening:
            cursor = await opening
            while rows := await cursor.fetch(BATCH_ROWS):
                yield rows
        yield await all_rows(queries().unmaterialised_hours, self._connection, **parameters)

    async def totals(self, query: AggregateQuery) -> SampleTotals:
        """The totals of all buckets of the query, whatever the page."""
        await self._set_plan_mode(query)
        equipment = _equipment_parameters(query)
        totals = [
            await queries().total(self._connection, **_range_parameters(part), **equipment)
            for part in query.buckets.source_ranges()
        ]
        return _sum((row["total_value"] or 0.0, row["sample_count"] or 0) for row in totals)

    async def sort_ids(self, ids: Collection[str]) -> list[str]:
        """The ids in the order of pages."""
        rows = await all_rows(queries().ids_in_order, self._connection, ids=[*ids])
        return [row["id"] for row in rows]

    async def density(self, query: AggregateQuery) -> Density:
        """How many samples the query's equipment has in its range."""
        await self._set_plan_mode(query)
        row = await queries().density(
            self._connection,
            **_equipment_parameters(query),
            start=query.span.start,
            stop=query.span.end,
        )
        return Density(row["samples"], row["hours"])

    async def _set_plan_mode(self, query: AggregateQuery) -> None:
        """Have prefixes planned for each range: a generic plan expects few rows.

        For a few ids planning would take longer than the rest.
        """
        if query.equipment.prefixes and not self._plans_for_each_range:
            await queries().plan_for_each_range(self._connection)
            self._plans_for_each_range = True


async def _consume_while_fetching(
    batches: AsyncGenerator[list[Record]], consume: ConsumeRows, rows: list[Record]
) -> list[Record] | None:
    """Consume the rows and return the next batch, None after the last."""
    next_batch = asyncio.ensure_future(anext(batches, None))
    try:
        await asyncio.sleep(0)  # until the next batch is requested
        consume(rows)
        return await next_batch
    except BaseException:  # no fetch may be in progress when the transaction ends
        next_batch.cancel()
        await asyncio.wait({next_batch})
        raise


def _span_and_days(query: AggregateQuery) -> dict[str, Any]:
    span = query.buckets.span
    last_day = (span.end - timedelta.resolution).date()
    return {
        "start": span.start,
        "stop": span.end,
        "first_day": span.start.date(),
        "last_day": last_day,
    }


def _ranges(stale: Iterable[Any] | None) -> list[tuple[datetime, datetime]]:
    return [(part.lower, part.upper) for part in stale or ()]


def sum_rows(rows: Sequence[AnyBucketRow], before: SampleTotals = NO_SAMPLES) -> SampleTotals:
    """The totals of measured rows, added to those of the rows before."""
    value = sum(map(get_total_value, rows), before.value)
    return SampleTotals(value, sum(map(get_sample_count, rows), before.count))


def _sum(pairs: Iterable[tuple[float, int]]) -> SampleTotals:
    value, count = 0.0, 0
    for part_value, part_count in pairs:
        value += part_value
        count += part_count
    return SampleTotals(value, count)


async def _page(connection: Connection, query: AggregateQuery, route: PageRoute) -> list[Record]:
    """The rows of the page, and one more if there is a next one."""
    buckets, wanted = query.buckets, None if query.limit is None else query.limit + 1
    first, last = _first_bucket(query), len(buckets.boundaries) - 1
    bucket_count = _first_bucket_count(query, route)
    page: list[Record] = []
    while first < last and (wanted is None or len(page) < wanted):
        part = buckets.between(first, first + bucket_count)
        rows = await _rows(connection, query, route, part, wanted and wanted - len(page))
        page += rows
        first += bucket_count
        bucket_count *= GROWTH_FACTOR if len(rows) < FEW_ROWS else 1
    return page


def _first_bucket(query: AggregateQuery) -> int:
    """The bucket in which the previous page ended, or the next one if it held all of that."""
    seconds = query.after.interval_start
    return query.buckets.index_of(seconds + (query.grouping is Grouping.ALL))


def _first_bucket_count(query: AggregateQuery, route: PageRoute) -> int:
    """How many buckets to read at first: all, if they are few rows or all are requested.

    Of ids as many as hold a page if none lacks readings, so that a page far from the end is read
    as fast as the last one.
    """
    unlimited = query.limit is None and route is not Route.BUCKETED_ROWS
    if unlimited or route is Route.HOURS_IN_ORDER:
        return len(query.buckets.boundaries)
    if not query.equipment.prefixes:
        return _bucket_count_of_ids(query)
    return 1 if query.resolution is Resolution.DAY else FIRST_READ_BUCKETS


def _bucket_count_of_ids(query: AggregateQuery) -> int:
    if query.limit is None:
        return len(query.buckets.boundaries)
    rows_per_bucket = len(query.equipment.ids) if query.grouping is Grouping.EQUIPMENT else 1
    return query.limit // rows_per_bucket + 1


async def _rows(
    connection: Connection,
    query: AggregateQuery,
    route: PageRoute,
    buckets: Buckets,
    row_limit: int | None,
) -> list[Record]:
    """The first rows of these buckets that come after the previous page."""
    parameters = {
        **_range_parameters(buckets.source_range),
        **_equipment_parameters(query),
        "row_limit": row_limit,
    }
    resuming = {"resume": _resume(query, buckets), "after_id": query.after.equipment_id}
    match route:
        case Route.HOURS_TOGETHER:
            return await all_rows(queries().hours_together, connection, **parameters)
        case Route.DAYS_TOGETHER:
            return await all_rows(queries().days_together, connection, **parameters)
        case Route.HOURS_IN_ORDER:
            return await _hours_in_order(connection, parameters | resuming)
        case Route.HOURS_OF_IDS:
            return await all_rows(queries().hours_of_ids, connection, **parameters, **resuming)
        case Route.ROLLUP_ROWS:
            return await all_rows(queries().rollup_rows, connection, **parameters, **resuming)
        case Route.BUCKETED_ROWS:
            cut = _cut_parameters(query, buckets)
            rows = queries().bucketed_rows
            return await all_rows(rows, connection, **parameters, **resuming, **cut)


async def _hours_in_order(connection: Connection, parameters: dict[str, Any]) -> list[Record]:
    """The first rows, up to the row limit."""
    rows = await all_rows(queries().materialised_hours, connection, **parameters)
    limit = parameters["row_limit"]
    if limit is None or len(rows) < limit:
        rows += await all_rows(queries().unmaterialised_hours, connection, **parameters)
    return rows[:limit]


def _resume(query: AggregateQuery, buckets: Buckets) -> datetime:
    """The boundary before which the previous page holds some equipment already."""
    starts_inside = buckets.index_of(query.after.interval_start + 1) == 1
    return buckets.boundaries[1 if starts_inside else 0]


def _cut_parameters(query: AggregateQuery, buckets: Buckets) -> dict[str, Any]:
    edges = buckets.edges
    return {
        "boundaries": buckets.boundaries,
        "together": query.grouping is Grouping.ALL,
        "cut": buckets.cut_hours,
        "edge_starts": [edge.start for edge in edges],
        "edge_stops": [edge.end for edge in edges],
    }


def _equipment_parameters(query: AggregateQuery) -> dict[str, Any]:
    equipment = query.equipment
    return {"patterns": equipment.like_patterns, "ids": equipment.ids_without_prefix}


def _range_parameters(part: SourceRange) -> dict[str, Any]:
    return {"source": part.source, "start": part.span.start, "stop": part.span.end}
