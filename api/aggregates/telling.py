"""From what was found to what is told."""

from collections.abc import Mapping, Sequence
from itertools import starmap
from typing import Any, cast

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from api.aggregates.cursor import Cursor, Position
from api.aggregates.fills import Bucket
from api.aggregates.finding import Found, Row
from api.aggregates.questions import USUAL, Grouping, Question, Statistic
from api.aggregates.repository import State, Totals
from api.aggregates.schemas import Aggregates, Earlier, Item
from api.cursors import encode_cursor
from api.stale_ranges import StaleRange

COLUMNS = {
    Statistic.TOTAL: "total_value",
    Statistic.COUNT: "sample_count",
    Statistic.AVERAGE: "average",
    Statistic.MINIMUM: "minimum",
    Statistic.MAXIMUM: "maximum",
    Statistic.FIRST: "first",
    Statistic.LAST: "last",
}


class Finding(Struct, frozen=True, array_like=True):
    """What is told of a question whenever it is asked, while its data stay the same.

    `items` is JSON; the next page begins behind `last`, if there is one.
    """

    totals: Totals
    items: bytes
    last: Position | None
    earlier: Totals | None


def finding(question: Question, found: Found) -> Finding:
    """What was found, as it is told."""
    last = Position(found.rows[-1][1], found.rows[-1][0] or "") if found.more else None
    items = msgspec.json.encode(_items(question, found))
    earlier = found.earlier.totals if found.earlier else None
    return Finding(found.totals, items, last, earlier)


def told(question: Question, states: Sequence[State], finding: Finding) -> bytes:
    """The answer as JSON of `Aggregates`; the states are of the question's parts."""
    answer = Aggregates(
        average=finding.totals.average,
        total_count=finding.totals.count,
        items=cast("list[Item]", Raw(finding.items)),  # encoded already
        as_of=question.asked_at,
        interval=question.interval or UNSET,
        resolution=question.resolution,
        tz=question.zone.key if question.zone else UNSET,
        start=question.span.start,
        end=question.span.end,
        stale_ranges=_stale_ranges(states[0]),
        compared=_earlier(question, states, finding.earlier),
        next_cursor=_next_cursor(question, finding.last),
    )
    return msgspec.json.encode(answer)


def _earlier(
    question: Question, states: Sequence[State], totals: Totals | None
) -> Earlier | UnsetType:
    if question.compared is None or totals is None:
        return UNSET
    span = question.compared.question.span
    return Earlier(
        average=totals.average,
        total_count=totals.count,
        start=span.start,
        end=span.end,
        stale_ranges=_stale_ranges(states[1]),
    )


def _stale_ranges(state: State) -> list[StaleRange]:
    return [StaleRange(start, end) for start, end in state.stale]


def _items(question: Question, found: Found) -> list[Item]:
    plain = question.zone is None and question.compared is None
    if plain and question.grouping is Grouping.EQUIPMENT and question.statistics == USUAL:
        return list(starmap(Item, found.rows))  # the usual answer, and the longest
    seconds = question.buckets.seconds() if question.zone else {}
    earlier = found.earlier.rows if found.earlier else None
    return [_item(question, row, seconds, earlier) for row in found.rows]


def _item(
    question: Question,
    row: Row,
    seconds: Mapping[int, int],
    earlier: Mapping[tuple[str | None, int], Row] | None,
) -> Item:
    bucket = Bucket(*row)
    extras: dict[str, Any] = {}
    if bucket.interval_start in seconds:
        extras["seconds"] = seconds[bucket.interval_start]
    if earlier is not None:
        counterpart = earlier.get((bucket.equipment_id, bucket.interval_start))
        extras["compared"] = counterpart and _item(question, counterpart, {}, None)
    return Item(
        UNSET if bucket.equipment_id is None else bucket.equipment_id,
        bucket.interval_start,
        **_statistics(bucket, question.statistics),
        **extras,
    )


def _statistics(bucket: Bucket, asked: frozenset[Statistic]) -> dict[str, Any]:
    values = bucket._asdict()
    told = {name: values[name] for statistic, name in COLUMNS.items() if statistic in asked}
    if Statistic.RANGE in asked:
        told["range"] = bucket.range
    return told


def _next_cursor(question: Question, last: Position | None) -> str | UnsetType | None:
    if question.limit is None:
        return UNSET
    if last is None:
        return None
    cursor = Cursor(question.span.start, question.span.end, question.resolution, last)
    return encode_cursor(cursor)
