"""The starts of the days and hours of a time zone."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from api.aggregates.buckets import Buckets, Source
from api.aggregates.resolutions import Resolution
from core.time import DAY, HOUR, TimeRange, floor

SECOND = timedelta(seconds=1)


def zoned_buckets(zone: ZoneInfo, resolution: Resolution, span: TimeRange) -> Buckets:
    """The zone's days or hours that start in the range.

    Raises OverflowError outside the calendar.
    """
    starts = _day_starts if resolution is Resolution.DAY else _hour_starts
    boundaries: list[datetime] = []
    for boundary in starts(zone, span):
        if boundary >= span.start and boundary not in boundaries[-1:]:
            boundaries.append(boundary)
        if boundary >= span.end:
            break
    cut = {boundary != floor(boundary, HOUR) for boundary in boundaries}
    if resolution is Resolution.HOUR and cut == {True}:
        return Buckets(tuple(boundaries), Source.READINGS, are_rows=False)
    are_rows = resolution is Resolution.HOUR and cut == {False}
    return Buckets(tuple(boundaries), Source.HOURS, are_rows)


def _day_starts(zone: ZoneInfo, span: TimeRange) -> Iterator[datetime]:
    """Local midnights: of a repeated one the first, for a skipped one the clock change."""
    day = span.start.astimezone(zone).date()
    while True:
        yield datetime.combine(day, time(), zone).astimezone(UTC)
        day += DAY


def _hour_starts(zone: ZoneInfo, span: TimeRange) -> Iterator[datetime]:
    """Full local hours, and clock changes by anything but whole hours."""
    hour = floor(span.start, HOUR)
    while True:
        yield from _boundaries_within(zone, hour)
        hour += HOUR


def _boundaries_within(zone: ZoneInfo, hour: datetime) -> list[datetime]:
    """The boundaries in the UTC hour; a change just at its end may be among them."""
    before, after = _offset(zone, hour), _offset(zone, hour + HOUR)
    if before == after:
        return [hour + (-before) % HOUR]
    change = _change(zone, hour)
    old, new = hour + (-before) % HOUR, hour + (-after) % HOUR
    full = [*([old] if old < change else []), *([new] if new >= change else [])]
    return sorted({*full, *([change] if (after - before) % HOUR else [])})


def _change(zone: ZoneInfo, hour: datetime) -> datetime:
    """The first second in the hour whose offset differs from that at its start; there is one."""
    before = _offset(zone, hour)
    unchanged, changed = 0, 3600
    while changed - unchanged > 1:
        middle = (unchanged + changed) // 2
        if _offset(zone, hour + middle * SECOND) == before:
            unchanged = middle
        else:
            changed = middle
    return hour + changed * SECOND


def _offset(zone: ZoneInfo, timestamp: datetime) -> timedelta:
    return timestamp.astimezone(zone).utcoffset() or timedelta()
