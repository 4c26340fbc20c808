"""From the parameters of a request to a Question."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from api.aggregates.buckets import Buckets, Source
from api.aggregates.comparisons import Comparison, shift_back
from api.aggregates.cursor import BEGINNING, Cursor, Position
from api.aggregates.gapfill import Fill
from api.aggregates.query import (
    OF_ONE_EQUIPMENT,
    USUAL,
    WINDOWS,
    Compared,
    Grouping,
    Question,
    Statistic,
)
from api.aggregates.resolutions import (
    REACHES,
    ROLLUPS,
    Resolution,
    finest_allowed,
    picked_for,
    utc_buckets,
)
from api.aggregates.zones import zoned_buckets
from api.http.equipment_filter import ALL_EQUIPMENT, parse_equipment_filter
from api.http.pagination import cursor_parser
from api.http.problem_details import FieldProblem, InvalidRequestError
from api.http.query_parameters import (
    Parameters,
    enum_parser,
    integer_parser,
    invalid_parameter,
    parse_time_zone,
)
from api.http.time_ranges import required_time_range
from core.readings import EARLIEST
from core.time import TimeRange

AUTO = "auto"
MAX_LIMIT = 10_000
DEFAULT_LIMIT = 1_000
LIMIT = integer_parser(1, MAX_LIMIT)

PARAMETERS = (
    "interval",
    "from",
    "to",
    "equipmentId",
    "resolution",
    "tz",
    "groupBy",
    "statistics",
    "fill",
    "compare",
    "limit",
    "cursor",
)
ZONED = (Resolution.HOUR, Resolution.DAY)
RAW_ROWS_LONGEST = REACHES[Resolution.QUARTER].longest
NO_BUCKETS = Buckets((EARLIEST,), Source.DAYS, are_rows=True)


def parse_question(pairs: Sequence[tuple[str, str]], now: datetime) -> Question:
    """What a query string asks at `now`. Raises InvalidRequestError."""
    given = Parameters(pairs, PARAMETERS, repeatable={"equipmentId"})
    cursor = given.read("cursor", cursor_parser(Cursor), None)
    interval = next(iter(given.all("interval")), None)
    span = given.attempt(lambda: _span(given, now, cursor), TimeRange(now, now))
    zone = given.read("tz", _zone, None)
    resolution = given.attempt(lambda: _resolution(given, span, cursor), Resolution.HOUR)
    grouping = given.read("groupBy", enum_parser(Grouping), Grouping.EQUIPMENT)
    question = Question(
        asked_at=now,
        interval=interval,
        span=span,
        resolution=resolution,
        auto=cursor is None and _asked_resolution(given) == AUTO,
        equipment=given.attempt(lambda: parse_equipment_filter(given), ALL_EQUIPMENT),
        grouping=grouping,
        zone=zone,
        buckets=given.attempt(lambda: _buckets(zone, resolution, span), NO_BUCKETS),
        statistics=given.attempt(lambda: _statistics(given, grouping), USUAL),
        limit=given.read("limit", LIMIT, _usual_limit(given, resolution)),
        after=given.attempt(lambda: _after(cursor, span, resolution), BEGINNING),
        fill=given.read("fill", enum_parser(Fill), Fill.NONE),
        compared=None,
    )
    comparison = given.read("compare", enum_parser(Comparison), None)
    given.check()
    if comparison is None:
        return question
    return replace(question, compared=_compared(comparison, question))


def _span(given: Parameters, now: datetime, cursor: Cursor | None) -> TimeRange:
    interval = given.all("interval")
    if not interval and (given.all("from") or given.all("to")):
        return required_time_range(given)
    if given.all("from") or given.all("to"):
        raise invalid_parameter("interval", "cannot be given together with from or to")
    length = WINDOWS.get(interval[0]) if interval else None
    if length is None:
        message = f"Invalid interval. Supported values are {', '.join(WINDOWS)}"
        raise InvalidRequestError([FieldProblem("interval", "invalid_interval", message)])
    if cursor is not None and cursor.end - cursor.start == length:
        return TimeRange(cursor.start, cursor.end)
    return TimeRange(now - length, now)


def _asked_resolution(given: Parameters) -> str:
    windowed = bool(given.all("interval"))
    return next(iter(given.all("resolution")), Resolution.HOUR if windowed else AUTO)


def _resolution(given: Parameters, span: TimeRange, cursor: Cursor | None) -> Resolution:
    text = _asked_resolution(given)
    if text == AUTO and cursor is not None:
        text = cursor.resolution  # the one that the first page was given
    if text == AUTO:
        picked = picked_for(span.length)
        return Resolution.HOUR if given.all("tz") and picked not in ZONED else picked
    if text in REACHES and given.all("tz") and text not in ZONED:
        raise invalid_parameter("resolution", f"must be one of {', '.join((AUTO, *ZONED))} with tz")
    if text not in REACHES:
        raise invalid_parameter("resolution", f"must be one of {', '.join((AUTO, *REACHES))}")
    resolution = Resolution(text)
    if span.length > REACHES[resolution].longest:
        raise _too_long(resolution, span)
    return resolution


def _too_long(resolution: Resolution, span: TimeRange) -> InvalidRequestError:
    days = REACHES[resolution].longest.days
    finest = finest_allowed(span.length)
    remedy = f"ask for {finest} or coarser" if finest else "ask for a shorter range"
    message = f"{resolution} is answered over at most {days} days; {remedy}"
    return invalid_parameter("resolution", message, "range_too_long")


def _zone(name: str, text: str) -> ZoneInfo | None:
    return ZoneInfo(parse_time_zone(name, text))


def _buckets(zone: ZoneInfo | None, resolution: Resolution, span: TimeRange) -> Buckets:
    if span.length > REACHES[resolution].longest:  # which is refused already
        return NO_BUCKETS
    if zone is None:
        return utc_buckets(span, resolution)
    try:
        buckets = zoned_buckets(zone, resolution, span)
    except OverflowError as error:
        raise invalid_parameter("tz", "cannot be applied at the end of the calendar") from error
    if buckets.raw_length > RAW_ROWS_LONGEST:
        message = f"cuts UTC hours; of these at most {RAW_ROWS_LONGEST.days} days are read"
        raise invalid_parameter("tz", f"{message}; ask for 1d or a shorter range", "range_too_long")
    return buckets


def _compared(comparison: Comparison, question: Question) -> Compared:
    """The question of the earlier range. Raises InvalidRequestError."""
    resolution, zone = question.resolution, question.zone
    shift = shift_back(comparison, question.span, question.buckets, resolution, zone or UTC)
    try:
        span = shift.range(question.span)
        buckets = zoned_buckets(zone, resolution, span) if zone else utc_buckets(span, resolution)
    except (OverflowError, ValueError) as error:
        raise invalid_parameter("compare", "reaches off the calendar") from error
    if span.start < EARLIEST:
        raise invalid_parameter("compare", "reaches off the calendar")
    earlier = replace(question, span=span, buckets=buckets, after=BEGINNING, limit=None)
    return Compared(earlier, shift.day if resolution is Resolution.DAY else shift.moment)


def _statistics(given: Parameters, grouping: Grouping) -> frozenset[Statistic]:
    apart = frozenset[Statistic]() if grouping is Grouping.EQUIPMENT else OF_ONE_EQUIPMENT
    texts = given.all("statistics")
    if not texts:
        return USUAL - apart
    parse = enum_parser(Statistic)
    asked = frozenset(parse("statistics", text) for text in texts[0].split(","))
    if asked & apart:
        raise invalid_parameter(
            "statistics", "first and last are of one equipment, not of groupBy=all"
        )
    return asked


def _usual_limit(given: Parameters, resolution: Resolution) -> int | None:
    """None, all on one page, for windows of hours or days; other answers may be far longer."""
    chosen = resolution in ROLLUPS and _asked_resolution(given) != AUTO
    return None if chosen and given.all("interval") else DEFAULT_LIMIT


def _after(cursor: Cursor | None, span: TimeRange, resolution: Resolution) -> Position:
    if cursor is None:
        return BEGINNING
    if not cursor.continues(span, resolution):
        raise invalid_parameter("cursor", "was given out for another range", "invalid_cursor")
    return cursor.after
