from collections.abc import Mapping
from dataclasses import dataclass

from asyncpg import Record
from msgspec import UNSET, UnsetType

from api.aggregates.cursor import Cursor, Position
from api.aggregates.questions import USUAL, Grouping, Question, Statistic
from api.aggregates.repository import AggregateRepository, Found, State
from api.aggregates.schemas import Aggregates, Item
from api.cursors import encode_cursor
from api.entity_tags import entity_tag, is_known
from api.stale_ranges import StaleRange
from core.scopes import Scope

# Whoever may read readings may read all of them.
READERS = Scope.READINGS_READ

COLUMNS = {
    Statistic.TOTAL: "total_value",
    Statistic.COUNT: "sample_count",
    Statistic.AVERAGE: "average",
    Statistic.MINIMUM: "minimum",
    Statistic.MAXIMUM: "maximum",
    Statistic.FIRST: "first",
    Statistic.LAST: "last",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and its entity tag; without a body the caller has it already."""

    tag: str
    body: Aggregates | None


class AggregateService:
    """Answers what dashboards ask."""

    def __init__(self, repository: AggregateRepository) -> None:
        self._repository = repository

    async def answer(self, question: Question, if_none_match: str | None) -> Answer:
        """The buckets that start in the question's range, or a page of them.

        Where nothing is stale, a caller that names the tag gets no body: nothing has changed.
        """
        async with self._repository.snapshot(question) as snapshot:
            state = await snapshot.state()
            tag = entity_tag(READERS, question.identity, state.version, state.stale)
            if not state.stale and is_known(tag, if_none_match):
                return Answer(tag, None)
            return Answer(tag, _aggregates(question, state, await snapshot.find()))


def _aggregates(question: Question, state: State, found: Found) -> Aggregates:
    return Aggregates(
        average=found.totals.average,
        total_count=found.totals.count,
        items=_items(question, found.rows),
        as_of=question.asked_at,
        interval=question.interval or UNSET,
        resolution=question.resolution,
        tz=question.zone.key if question.zone else UNSET,
        start=question.span.start,
        end=question.span.end,
        stale_ranges=[StaleRange(start, end) for start, end in state.stale],
        next_cursor=_next_cursor(question, found),
    )


def _items(question: Question, rows: list[Record]) -> list[Item]:
    apart = question.grouping is Grouping.EQUIPMENT
    if apart and question.zone is None and question.statistics == USUAL:
        return [Item(*row) for row in rows]  # the usual answer, and the longest
    seconds = question.buckets.seconds() if question.zone else {}
    return [_item(row, question.statistics, seconds) for row in rows]


def _item(row: Record, statistics: frozenset[Statistic], seconds: Mapping[int, int]) -> Item:
    told = {name: row[name] for statistic, name in COLUMNS.items() if statistic in statistics}
    if Statistic.RANGE in statistics:
        told["range"] = row["maximum"] - row["minimum"]
    equipment_id = UNSET if row["equipment_id"] is None else row["equipment_id"]
    start = row["interval_start"]
    return Item(equipment_id, start, seconds=seconds.get(start, UNSET), **told)


def _next_cursor(question: Question, found: Found) -> str | UnsetType | None:
    if question.limit is None:
        return UNSET
    if not found.more:
        return None
    last = found.rows[-1]
    after = Position(last["interval_start"], last["equipment_id"] or "")
    cursor = Cursor(question.span.start, question.span.end, question.resolution, after)
    return encode_cursor(cursor)
