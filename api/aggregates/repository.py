import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, TypeAlias

from asyncpg import Record

from api.aggregates.buckets import Buckets, Part, Source
from api.aggregates.gapfill import Bucket
from api.aggregates.query import Grouping, Question
from api.aggregates.resolutions import Density, Resolution
from core.database import Connection, Pool, borrowed
from core.queries import all_rows, queries

Row = Record | Bucket | tuple[Any, ...]
Tell: TypeAlias = Callable[[Sequence[Row]], None]

PLACE = itemgetter(1, 0)  # of a row in an answer: by start and id
NOTHING_TOLD = "0"
EVERY_EQUIPMENT_ID = ""  # under which the ledger of changes tells what may concern any

# A page is gathered from stretches of so many buckets, and of more where few rows are.
FIRST_STRETCH = 8
FEW_ROWS = 1_000
GROWTH = 4

# The last batch is told when the database has nothing left to do meanwhile, so they are small.
BATCH_ROWS = 4_000


@dataclass(frozen=True, slots=True)
class Totals:
    """The sum and the number of all samples."""

    value: float
    count: int

    @property
    def average(self) -> float | None:
        """Null without samples."""
        return self.value / self.count if self.count else None


NOTHING = Totals(0.0, 0)


@dataclass(frozen=True, slots=True)
class State:
    """What tells one state of the data under a question from every other."""

    version: str
    stale: list[tuple[datetime, datetime]]

    @property
    def is_settled(self) -> bool:
        """Whether the same state always means the same rows.

        A refresh brings others where it is due, and who puts readings in without telling the
        ledger does so where it holds nothing.
        """
        return not self.stale and self.version != NOTHING_TOLD


class AggregateRepository:
    """Reads rollups, and readings where rollups are not fine enough."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Snapshot"]:
        """One moment of the database, in which everything about a question is read."""
        async with (
            borrowed(self._pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield Snapshot(connection)

    async def state(self, question: Question) -> State:
        """The state of now."""
        async with borrowed(self._pool) as connection:
            return await Snapshot(connection).state(question)

    async def state_and_hours(self, question: Question) -> tuple[State, Sequence[Row]]:
        """The state and the rows of a small question, in order, of one moment."""
        async with borrowed(self._pool) as connection:
            rows = await all_rows(
                queries().state_and_hours,
                connection,
                **_span_and_days(question),
                ids=question.equipment.ids_without_prefix,
            )
        stale, version, equipment_id, *_ = rows[0]
        found = [] if equipment_id is None else [row[2:] for row in rows]
        found.sort(key=PLACE)  # in half the time that the database takes
        return State(version, _ranges(stale)), found


class Snapshot:
    """What the database holds at one moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._plans_for_each_range = False

    async def state(self, question: Question) -> State:
        """The version of the readings, and where rollups lack late ones: nowhere in readings."""
        equipment = question.equipment
        row = await queries().aggregate_state(
            self._connection,
            **_span_and_days(question),
            patterns=equipment.like_patterns,
            ids=replace(equipment, ids=(*equipment.ids, EVERY_EQUIPMENT_ID)).ids_without_prefix,
        )
        from_rollups = question.buckets.source is not Source.READINGS
        return State(row["version"], _ranges(row["stale"]) if from_rollups else [])

    async def page(self, question: Question) -> list[Record]:
        """The rows of a page in order of start and equipment, and one more if there is a next."""
        await self._plan_for(question)
        return await _page(self._connection, question)

    async def tell_hours(self, question: Question, tell: Tell) -> None:
        """Have all rows of hours that are in order told, some while the next are on their way."""
        await self._plan_for(question)
        async with aclosing(self._batches(question)) as batches:
            rows = await anext(batches, None)
            while rows is not None:
                rows = await _next_while_told(batches, tell, rows)

    async def _batches(self, question: Question) -> AsyncGenerator[list[Record]]:
        parameters = {**_bounds(question.buckets.whole), **_chosen(question), "row_limit": None}
        parameters |= {"resume": question.buckets.borders[0], "after_id": ""}
        async with queries().materialised_hours_cursor(self._connection, **parameters) as opening:
            cursor = await opening
            while rows := await cursor.fetch(BATCH_ROWS):
                yield rows
        yield await all_rows(queries().unmaterialised_hours, self._connection, **parameters)

    async def totals(self, question: Question) -> Totals:
        """What all buckets of the question add up to, on whatever page."""
        await self._plan_for(question)
        parts = [
            await queries().total(self._connection, **_bounds(part), **_chosen(question))
            for part in question.buckets.parts()
        ]
        return _sum((row["total_value"] or 0.0, row["sample_count"] or 0) for row in parts)

    async def in_order(self, ids: Collection[str]) -> list[str]:
        """The ids in the order that pages have them in."""
        rows = await all_rows(queries().ids_in_order, self._connection, ids=[*ids])
        return [row["id"] for row in rows]

    async def density(self, question: Question) -> Density:
        """How many samples the question's equipment has in its range."""
        await self._plan_for(question)
        row = await queries().density(
            self._connection, **_chosen(question), start=question.span.start, stop=question.span.end
        )
        return Density(row["samples"], row["hours"])

    async def _plan_for(self, question: Question) -> None:
        """Spare much equipment a plan for little; for a few ids planning would take the longest."""
        if question.equipment.prefixes and not self._plans_for_each_range:
            await queries().plan_for_each_range(self._connection)
            self._plans_for_each_range = True


def is_in_order(question: Question) -> bool:
    """Whether the rows are found in the order of their hours, no more of them than are wanted."""
    return question.is_of_hours and not question.equipment.ids_without_prefix


async def _next_while_told(
    batches: AsyncGenerator[list[Record]], tell: Tell, rows: list[Record]
) -> list[Record] | None:
    coming = asyncio.ensure_future(anext(batches, None))
    try:
        await asyncio.sleep(0)  # until it is asked for
        tell(rows)
        return await coming
    except BaseException:  # nothing may be under way when the transaction ends
        coming.cancel()
        await asyncio.wait({coming})
        raise


def _span_and_days(question: Question) -> dict[str, Any]:
    span = question.buckets.span
    last_day = (span.end - timedelta.resolution).date()
    return {
        "start": span.start,
        "stop": span.end,
        "first_day": span.start.date(),
        "last_day": last_day,
    }


def _ranges(stale: Iterable[Any] | None) -> list[tuple[datetime, datetime]]:
    return [(part.lower, part.upper) for part in stale or ()]


def added_up(rows: Sequence[Row], before: Totals = NOTHING) -> Totals:
    """The totals of rows and of those before them that are all there is."""
    value = sum(map(itemgetter(2), rows), before.value)
    return Totals(value, sum(map(itemgetter(3), rows), before.count))


def _sum(pairs: Iterable[tuple[float, int]]) -> Totals:
    value, count = 0.0, 0
    for part_value, part_count in pairs:
        value += part_value
        count += part_count
    return Totals(value, count)


async def _page(connection: Connection, question: Question) -> list[Record]:
    """The rows of the page, and one more if there is a next one."""
    buckets, wanted = question.buckets, None if question.limit is None else question.limit + 1
    first, last = _first_bucket(question), len(buckets.borders) - 1
    stretch = _first_stretch(question)
    rows: list[Record] = []
    while first < last and (wanted is None or len(rows) < wanted):
        part = buckets.between(first, first + stretch)
        found = await _rows(connection, question, part, wanted and wanted - len(rows))
        rows += found
        first += stretch
        stretch *= GROWTH if len(found) < FEW_ROWS else 1
    return rows


def _first_bucket(question: Question) -> int:
    """The one in which the page before ended, or the next one if it told all of that."""
    seconds = question.after.interval_start
    return question.buckets.index_of(seconds + (question.grouping is Grouping.ALL))


def _first_stretch(question: Question) -> int:
    """How many buckets to read at first: all, where they are few rows or all are wanted."""
    buckets = question.buckets
    all_at_once = buckets.are_rows and question.limit is None
    if all_at_once or not question.equipment.prefixes or is_in_order(question):
        return len(buckets.borders)
    return 1 if question.resolution is Resolution.DAY else FIRST_STRETCH


async def _rows(
    connection: Connection, question: Question, buckets: Buckets, row_limit: int | None
) -> list[Record]:
    """The first rows of these buckets, of those that come after the page before."""
    bounds = {**_bounds(buckets.whole), **_chosen(question), "row_limit": row_limit}
    resuming = {"resume": _resume(question, buckets), "after_id": question.after.equipment_id}
    together = question.grouping is Grouping.ALL
    if buckets.are_rows and together:
        return await all_rows(queries().rollup_rows_together, connection, **bounds)
    if is_in_order(question):
        return await _hours(connection, bounds | resuming)
    if question.is_of_hours and not bounds["patterns"]:
        return await all_rows(queries().hours_of_ids, connection, **bounds, **resuming)
    if buckets.are_rows:
        return await all_rows(queries().rollup_rows, connection, **bounds, **resuming)
    cut = {**_cuts(buckets), "boundaries": buckets.borders, "together": together}
    return await all_rows(queries().bucketed_rows, connection, **bounds, **resuming, **cut)


async def _hours(connection: Connection, parameters: dict[str, Any]) -> list[Record]:
    """The first rows, so many as the row limit says."""
    rows = await all_rows(queries().materialised_hours, connection, **parameters)
    limit = parameters["row_limit"]
    if limit is None or len(rows) < limit:
        rows += await all_rows(queries().unmaterialised_hours, connection, **parameters)
    return rows[:limit]


def _resume(question: Question, buckets: Buckets) -> datetime:
    """The moment before which the page before has told of some equipment already."""
    starts_inside = buckets.index_of(question.after.interval_start + 1) == 1
    return buckets.borders[1 if starts_inside else 0]


def _cuts(buckets: Buckets) -> dict[str, Any]:
    edges = buckets.edges
    return {
        "cut": buckets.cut_hours,
        "edge_starts": [edge.start for edge in edges],
        "edge_stops": [edge.end for edge in edges],
    }


def _chosen(question: Question) -> dict[str, Any]:
    equipment = question.equipment
    return {"patterns": equipment.like_patterns, "ids": equipment.ids_without_prefix}


def _bounds(part: Part) -> dict[str, Any]:
    return {"source": part.source, "start": part.span.start, "stop": part.span.end}
