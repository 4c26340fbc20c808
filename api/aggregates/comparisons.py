"""The earlier range of a comparison, and which of its buckets corresponds to which."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from api.aggregates.buckets import Buckets
from api.aggregates.resolutions import Resolution
from core.time import TimeRange

WEEK = timedelta(weeks=1)
DAY_FOR_LEAP_DAY = 28


class Comparison(StrEnum):
    """Which earlier range."""

    PREVIOUS = "previous"
    WEEK = "1w"
    YEAR = "1y"


@dataclass(frozen=True, slots=True)
class Shift:
    """Maps timestamps to earlier ones by the local time that a clock shows.

    Every method raises OverflowError or ValueError outside the calendar.
    """

    clock: tzinfo
    earlier: Callable[[datetime], datetime]

    def range(self, span: TimeRange) -> TimeRange:
        """The earlier range."""
        ends = (self.earlier(self._local(end)) for end in (span.start, span.end))
        return TimeRange(*(end.astimezone(UTC) for end in ends))

    def timestamp(self, start: datetime) -> datetime | None:
        """The earlier timestamp in UTC; None if the clock never showed its local time."""
        local = self.earlier(start.astimezone(self.clock))
        utc = local.astimezone(UTC)
        shown = utc.astimezone(self.clock)
        return utc if shown.replace(tzinfo=None) == local.replace(tzinfo=None) else None

    def day(self, start: datetime) -> datetime | None:
        """The start of the earlier day in UTC, from the start of a day; None if it was skipped."""
        local = self.earlier(self._midnight(start))
        utc = local.astimezone(UTC)
        return utc if utc.astimezone(self.clock).date() == local.date() else None

    def _local(self, timestamp: datetime) -> datetime:
        """The local time; midnight for the start of a day whose midnight the clock skips."""
        midnight = self._midnight(timestamp)
        if midnight.astimezone(UTC) == timestamp:
            return midnight
        return timestamp.astimezone(self.clock)

    def _midnight(self, timestamp: datetime) -> datetime:
        return datetime.combine(timestamp.astimezone(self.clock).date(), time(), self.clock)


def shift_back(
    comparison: Comparison, span: TimeRange, buckets: Buckets, resolution: Resolution, zone: tzinfo
) -> Shift:
    """The shift to a week or a year earlier, or to the range just before.

    The range before has as many days if the resolution is days, or if the span ends at the local
    time of day at which it starts; otherwise it has the same length.
    """
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    days = len(buckets.boundaries) - 1 if resolution is Resolution.DAY else 0
    if start.time() == end.time():
        days = days or (end.date() - start.date()).days
    match comparison:
        case Comparison.YEAR:
            return Shift(zone, _a_year_before)
        case Comparison.WEEK:
            return Shift(zone, lambda local: local - WEEK)
        case Comparison.PREVIOUS if days:
            return Shift(zone, lambda local: local - timedelta(days=days))
        case Comparison.PREVIOUS:
            return Shift(UTC, lambda local: local - span.length)


def _a_year_before(local: datetime) -> datetime:
    """The same date in the year before, the 28th for a 29th of February."""
    try:
        return local.replace(year=local.year - 1)
    except ValueError:
        return local.replace(year=local.year - 1, day=DAY_FOR_LEAP_DAY)
