"""Where the days and hours of a time zone begin."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from api.aggregates.buckets import Buckets, Source
from api.aggregates.resolutions import Resolution
from core.time import DAY, HOUR, TimeRange, floor

SECOND = timedelta(seconds=1)


def zoned_buckets(zone: ZoneInfo, resolution: Resolution, span: TimeRange) -> Buckets:
    """The zone's days or hours that start in the range. Raises OverflowError off the calendar."""
    begin = _days if resolution is Resolution.DAY else _hours
    borders: list[datetime] = []
    for border in begin(zone, span):
        if border >= span.start and border not in borders[-1:]:
            borders.append(border)
        if border >= span.end:
            break
    cut = {border != floor(border, HOUR) for border in borders}
    if resolution is Resolution.HOUR and cut == {True}:
        return Buckets(tuple(borders), Source.READINGS, are_rows=False)
    are_rows = resolution is Resolution.HOUR and cut == {False}
    return Buckets(tuple(borders), Source.HOURS, are_rows)


def _days(zone: ZoneInfo, span: TimeRange) -> Iterator[datetime]:
    """Midnights; one that the clock shows twice is the first, one that it skips is the change."""
    day = span.start.astimezone(zone).date()
    while True:
        yield datetime.combine(day, time(), zone).astimezone(UTC)
        day += DAY


def _hours(zone: ZoneInfo, span: TimeRange) -> Iterator[datetime]:
    """When the clock shows a full hour, and when it changes by anything but whole hours."""
    hour = floor(span.start, HOUR)
    while True:
        yield from _borders_within(zone, hour)
        hour += HOUR


def _borders_within(zone: ZoneInfo, hour: datetime) -> list[datetime]:
    """The borders in the UTC hour; a change just at its end may be among them."""
    before, after = _offset(zone, hour), _offset(zone, hour + HOUR)
    if before == after:
        return [hour + (-before) % HOUR]
    change = _change(zone, hour)
    old, new = hour + (-before) % HOUR, hour + (-after) % HOUR
    full = [*([old] if old < change else []), *([new] if new >= change else [])]
    return sorted({*full, *([change] if (after - before) % HOUR else [])})


def _change(zone: ZoneInfo, hour: datetime) -> datetime:
    """The first second of the hour with another offset than its start, which there is."""
    before = _offset(zone, hour)
    same, other = 0, 3600
    while other - same > 1:
        middle = (same + other) // 2
        if _offset(zone, hour + middle * SECOND) == before:
            same = middle
        else:
            other = middle
    return hour + other * SECOND


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
