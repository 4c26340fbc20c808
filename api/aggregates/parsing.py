"""Parses the parameters of a request into an AggregateQuery."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from api.aggregates.buckets import Buckets, Source
from api.aggregates.comparisons import Comparison, shift_back
from api.aggregates.cursor import BEGINNING, BucketPosition, Cursor
from api.aggregates.parameters import (
    AUTO,
    COMPARE,
    CURSOR,
    FILL,
    FROM,
    GROUP_BY,
    INTERVAL,
    LIMIT,
    PARAMETERS,
    RESOLUTION,
    RESOLUTIONS,
    STATISTICS,
    TO,
    ZONE,
)
from api.aggregates.query import (
    DEFAULT_STATISTICS,
    PER_EQUIPMENT_STATISTICS,
    WINDOWS,
    AggregateQuery,
    ComparisonQuery,
    Grouping,
    Statistic,
)
from api.aggregates.resolutions import (
    RESOLUTION_LIMITS,
    ROLLUPS,
    Resolution,
    auto_resolution,
    finest_allowed,
    utc_buckets,
)
from api.aggregates.zones import zoned_buckets
from api.files.parameters import parse_representation
from api.http.equipment_filter import ALL_EQUIPMENT, parse_equipment_filter
from api.http.parsers import invalid_parameter
from api.http.problem_details import FieldProblem, InvalidRequestError
from api.http.query_parameters import Parameters
from api.http.time_ranges import required_time_range
from core.readings import EARLIEST
from core.time import TimeRange

ZONED_RESOLUTIONS = (Resolution.HOUR, Resolution.DAY)
MAX_RAW_LENGTH = RESOLUTION_LIMITS[Resolution.QUARTER].max_range
NO_BUCKETS = Buckets((EARLIEST,), Source.DAYS, are_rows=True)


def parse_query(
    pairs: Sequence[tuple[str, str]], now: datetime, accept: str = ""
) -> AggregateQuery:
    """The validated query of a query string at `now` and of the header Accept.

    Raises InvalidRequestError or NotAcceptableError.
    """
    given = Parameters(pairs, PARAMETERS)
    cursor = given.read(CURSOR)
    span = given.attempt(lambda: _span(given, now, cursor), TimeRange(now, now))
    zone = given.read(ZONE)
    resolution = given.attempt(lambda: _resolution(given, span, cursor), Resolution.HOUR)
    grouping = given.read(GROUP_BY)
    query = AggregateQuery(
        requested_at=now,
        interval=given.read(INTERVAL),
        span=span,
        resolution=resolution,
        auto=cursor is None and _requested_resolution(given) == AUTO,
        equipment=given.attempt(lambda: parse_equipment_filter(given), ALL_EQUIPMENT),
        grouping=grouping,
        zone=zone,
        buckets=given.attempt(lambda: _buckets(zone, resolution, span), NO_BUCKETS),
        statistics=given.attempt(lambda: _statistics(given, grouping), DEFAULT_STATISTICS),
        limit=_limit(given, resolution),
        after=given.attempt(lambda: _after(cursor, span, resolution), BEGINNING),
        fill=given.read(FILL),
        representation=parse_representation(given, accept, LIMIT, CURSOR),
        comparison=None,
    )
    comparison = given.read(COMPARE)
    given.check()
    if comparison is None:
        return query
    return replace(query, comparison=_comparison_query(comparison, query))


def _span(given: Parameters, now: datetime, cursor: Cursor | None) -> TimeRange:
    interval = given.read(INTERVAL)
    has_bounds = given.texts(FROM) or given.texts(TO)
    if has_bounds and interval is None:
        return required_time_range(given)
    if has_bounds:
        raise invalid_parameter(INTERVAL.name, "cannot be given together with from or to")
    length = None if interval is None else WINDOWS.get(interval)
    if length is None:
        message = f"Invalid interval. Supported values are {', '.join(WINDOWS)}"
        raise InvalidRequestError([FieldProblem(INTERVAL.name, "invalid_interval", message)])
    if cursor is not None and cursor.end - cursor.start == length:
        return TimeRange(cursor.start, cursor.end)
    return TimeRange(now - length, now)


def _requested_resolution(given: Parameters) -> str:
    text = given.read(RESOLUTION)
    if text is None:
        return Resolution.HOUR if given.texts(INTERVAL) else AUTO
    return text


def _resolution(given: Parameters, span: TimeRange, cursor: Cursor | None) -> Resolution:
    text = _requested_resolution(given)
    if text == AUTO and cursor is not None:
        text = cursor.resolution  # that of the first page
    if text == AUTO:
        picked = auto_resolution(span.length)
        return Resolution.HOUR if given.texts(ZONE) and picked not in ZONED_RESOLUTIONS else picked
    if text in RESOLUTION_LIMITS and given.texts(ZONE) and text not in ZONED_RESOLUTIONS:
        message = f"must be one of {', '.join((AUTO, *ZONED_RESOLUTIONS))} with tz"
        raise invalid_parameter(RESOLUTION.name, message)
    if text not in RESOLUTION_LIMITS:
        raise invalid_parameter(RESOLUTION.name, f"must be one of {', '.join(RESOLUTIONS)}")
    resolution = Resolution(text)
    if span.length > RESOLUTION_LIMITS[resolution].max_range:
        raise _too_long(resolution, span)
    return resolution


def _too_long(resolution: Resolution, span: TimeRange) -> InvalidRequestError:
    days = RESOLUTION_LIMITS[resolution].max_range.days
    finest = finest_allowed(span.length)
    remedy = f"ask for {finest} or coarser" if finest else "ask for a shorter range"
    message = f"{resolution} is answered over at most {days} days; {remedy}"
    return invalid_parameter(RESOLUTION.name, message, "range_too_long")


def _buckets(zone: ZoneInfo | None, resolution: Resolution, span: TimeRange) -> Buckets:
    if span.length > RESOLUTION_LIMITS[resolution].max_range:  # which is rejected already
        return NO_BUCKETS
    if zone is None:
        return utc_buckets(span, resolution)
    try:
        buckets = zoned_buckets(zone, resolution, span)
    except OverflowError as error:
        message = "cannot be applied at the end of the calendar"
        raise invalid_parameter(ZONE.name, message) from error
    if buckets.raw_length > MAX_RAW_LENGTH:
        message = f"cuts UTC hours; of these at most {MAX_RAW_LENGTH.days} days are read"
        message += "; ask for 1d or a shorter range"
        raise invalid_parameter(ZONE.name, message, "range_too_long")
    return buckets


def _comparison_query(comparison: Comparison, query: AggregateQuery) -> ComparisonQuery:
    """The query of the earlier range. Raises InvalidRequestError."""
    resolution, zone = query.resolution, query.zone
    shift = shift_back(comparison, query.span, query.buckets, resolution, zone or UTC)
    try:
        span = shift.range(query.span)
        buckets = zoned_buckets(zone, resolution, span) if zone else utc_buckets(span, resolution)
    except (OverflowError, ValueError) as error:
        raise invalid_parameter(COMPARE.name, "reaches off the calendar") from error
    if span.start < EARLIEST:
        raise invalid_parameter(COMPARE.name, "reaches off the calendar")
    earlier = replace(query, span=span, buckets=buckets, after=BEGINNING, limit=None)
    counterpart = shift.day if resolution is Resolution.DAY else shift.timestamp
    return ComparisonQuery(earlier, counterpart)


def _statistics(given: Parameters, grouping: Grouping) -> frozenset[Statistic]:
    excluded = (
        frozenset[Statistic]() if grouping is Grouping.EQUIPMENT else PER_EQUIPMENT_STATISTICS
    )
    statistics = given.read(STATISTICS)
    if statistics is None:
        return DEFAULT_STATISTICS - excluded
    if statistics & excluded:
        message = "first and last are of one equipment, not of groupBy=all"
        raise invalid_parameter(STATISTICS.name, message)
    return statistics


def _limit(given: Parameters, resolution: Resolution) -> int | None:
    """By default None, all on one page, for windows of hours or days; others have more buckets."""
    explicit = resolution in ROLLUPS and _requested_resolution(given) != AUTO
    unlimited = explicit and given.texts(INTERVAL) and not given.texts(LIMIT)
    return None if unlimited else given.read(LIMIT)


def _after(cursor: Cursor | None, span: TimeRange, resolution: Resolution) -> BucketPosition:
    if cursor is None:
        return BEGINNING
    if not cursor.continues(span, resolution):
        raise invalid_parameter(CURSOR.name, "was given out for another range", "invalid_cursor")
    return cursor.after
