"""What a snapshot holds for a question: a page, filled or compared as it asks."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from asyncpg import Record

from api.aggregates.cursor import BEGINNING
from api.aggregates.gapfill import MOST_FILLED, Bucket, Fill, filled
from api.aggregates.query import Compared, Question
from api.aggregates.repository import Row, Snapshot, Totals, added_up
from api.aggregates.resolutions import REACHES
from api.http.problem_details import InvalidRequestError
from api.http.query_parameters import invalid_parameter

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


async def find(snapshot: Snapshot, question: Question) -> Found:
    """The page of the question's buckets, in order of their start and equipment.

    Raises InvalidRequestError if there are more buckets than can be filled.
    """
    page = await (_plain if question.fill is Fill.NONE else _filled)(snapshot, question)
    if question.compared is None:
        return page
    return replace(page, earlier=await _earlier(snapshot, question.compared, page.rows))


def whole(rows: Sequence[Row]) -> Found:
    """A page that holds all there is."""
    return Found(added_up(rows), rows, more=False)


async def _plain(snapshot: Snapshot, question: Question) -> Found:
    rows = await snapshot.page(question)
    more = question.limit is not None and len(rows) > question.limit
    whole = question.after == BEGINNING and not more
    totals = added_up(rows) if whole else await snapshot.totals(question)
    return Found(totals, rows[: question.limit], more)


async def _filled(snapshot: Snapshot, question: Question) -> Found:
    everything = replace(question, after=BEGINNING, limit=MOST_FILLED)
    rows = [Bucket(*row) for row in await snapshot.page(everything)]
    ids = await _in_order(snapshot, {row.equipment_id for row in rows})
    starts = [*question.buckets.seconds()]
    if max(len(rows), len(ids) * len(starts)) > MOST_FILLED:
        raise _too_much_to_fill(question, len(ids))
    cells = [*filled(rows, ids, starts, question.fill)]
    first = _place(question, ids, starts)
    last = len(cells) if question.limit is None else first + question.limit
    return Found(added_up(rows), cells[first:last], last < len(cells))


async def _in_order(snapshot: Snapshot, names: Collection[str | None]) -> list[str | None]:
    """The ids as pages have them; all equipment taken together has none."""
    ids = [name for name in names if name is not None]
    return [*await snapshot.in_order(ids)] if ids else [*names]


def _place(question: Question, ids: Sequence[str | None], starts: Sequence[int]) -> int:
    """How many cells the pages before have told."""
    if question.after == BEGINNING:
        return 0
    buckets = bisect_left(starts, question.after.interval_start)
    told = question.after.equipment_id or None
    return buckets * len(ids) + (ids.index(told) + 1 if told in ids else 0)


def _too_much_to_fill(question: Question, equipment: int) -> InvalidRequestError:
    fits = (
        name
        for name, reach in REACHES.items()
        if reach.width > REACHES[question.resolution].width
        and equipment * (question.span.length / reach.width) < MOST_FILLED
    )
    remedy = next((f"ask for {name} or coarser" for name in fits), "ask for less equipment")
    message = f"tells at most {MOST_FILLED} buckets of all equipment; {remedy}"
    return invalid_parameter("fill", message, "range_too_long")


async def _earlier(snapshot: Snapshot, compared: Compared, page: Sequence[Row]) -> Earlier:
    """The counterparts by the keys of the page."""
    question = compared.question
    totals = await snapshot.totals(question)
    wanted = {start: compared.start_of(start) for start in {row[1] for row in page}}
    starts = [start for start in wanted.values() if start is not None]
    if not starts:
        return Earlier(totals, {})
    part = question.buckets.holding(min(starts), max(starts))
    known = {(row[0], row[1]): row for row in await snapshot.page(replace(question, buckets=part))}
    counterparts = (((row[0], row[1]), (row[0], wanted[row[1]])) for row in page)
    return Earlier(totals, {key: known[other] for key, other in counterparts if other in known})
