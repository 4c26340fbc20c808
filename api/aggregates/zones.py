"""Where the days and hours of a time zone begin."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from api.aggregates.resolutions import Resolution, ceiling
from api.time_ranges import TimeRange

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ZonedBuckets:
    """Buckets that meet: each border begins one, but the last, which only ends one.

    One border alone stands for no bucket.
    """

    borders: tuple[datetime, ...]

    @property
    def whole_hours(self) -> TimeRange:
        """From the first to the last UTC hour that lies in the buckets, cut or not."""
        return TimeRange(ceiling(self.borders[0], HOUR), _floor(self.borders[-1]))

    @property
    def cut_hours(self) -> list[datetime]:
        """The UTC hours with a border inside: no rollup tells their parts apart."""
        cut = {_floor(border) for border in self.borders if border != _floor(border)}
        return sorted(cut)

    @property
    def edges(self) -> list[TimeRange]:
        """What of the cut hours lies in the buckets, neighbours put together."""
        edges: list[TimeRange] = []
        for hour in self.cut_hours:
            start, end = max(hour, self.borders[0]), min(hour + HOUR, self.borders[-1])
            if edges and edges[-1].end == start:
                start = edges.pop().start
            edges.append(TimeRange(start, end))
        return edges


def zoned_buckets(zone: ZoneInfo, resolution: Resolution, span: TimeRange) -> ZonedBuckets:
    """The zone's days or hours that start in the range. Raises OverflowError off the calendar."""
    begin = _days if resolution is Resolution.DAY else _hours
    borders: list[datetime] = []
    for border in begin(zone, span):
        if border >= span.start and border not in borders[-1:]:
            borders.append(border)
        if border >= span.end:
            break
    return ZonedBuckets(tuple(borders))


def _days(zone: ZoneInfo, span: TimeRange) -> Iterator[datetime]:
    """Midnights; one that the clock shows twice is the first, one that it skips is the change."""
    day = span.start.astimezone(zone).date()
    while True:
        yield datetime.combine(day, time(), zone).astimezone(UTC)
        day += DAY


def _hours(zone: ZoneInfo, span: TimeRange) -> Iterator[datetime]:
    """When the clock shows a full hour, and when it changes by anything but whole hours."""
    hour = _floor(span.start)
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


def _floor(moment: datetime) -> datetime:
    return ceiling(moment - HOUR + timedelta.resolution, HOUR)
