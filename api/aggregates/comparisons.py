"""An earlier range to compare with, and which of its buckets goes with which."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from api.aggregates.buckets import Buckets
from api.aggregates.resolutions import Resolution
from core.time import TimeRange

WEEK = timedelta(weeks=1)
LEAP_DAY_BEFORE = 28


class Comparison(StrEnum):
    """Which earlier range."""

    PREVIOUS = "previous"
    WEEK = "1w"
    YEAR = "1y"


@dataclass(frozen=True, slots=True)
class Shift:
    """The way from a moment to an earlier one, by what a clock shows.

    Every method raises OverflowError or ValueError off the calendar.
    """

    clock: tzinfo
    earlier: Callable[[datetime], datetime]

    def range(self, span: TimeRange) -> TimeRange:
        """The earlier range."""
        ends = (self.earlier(self._shown(end)) for end in (span.start, span.end))
        return TimeRange(*(end.astimezone(UTC) for end in ends))

    def moment(self, start: datetime) -> datetime | None:
        """The earlier moment; None if the clock never showed it."""
        wanted = self.earlier(start.astimezone(self.clock))
        found = wanted.astimezone(UTC)
        shown = found.astimezone(self.clock)
        return found if shown.replace(tzinfo=None) == wanted.replace(tzinfo=None) else None

    def day(self, start: datetime) -> datetime | None:
        """The start of the earlier day, by the day that starts then; None if there was none."""
        wanted = self.earlier(self._midnight(start))
        found = wanted.astimezone(UTC)
        return found if found.astimezone(self.clock).date() == wanted.date() else None

    def _shown(self, moment: datetime) -> datetime:
        """What the clock shows; midnight for the first moment of a day that skips its midnight."""
        midnight = self._midnight(moment)
        return midnight if midnight.astimezone(UTC) == moment else moment.astimezone(self.clock)

    def _midnight(self, moment: datetime) -> datetime:
        return datetime.combine(moment.astimezone(self.clock).date(), time(), self.clock)


def shift_back(
    comparison: Comparison, span: TimeRange, buckets: Buckets, resolution: Resolution, zone: tzinfo
) -> Shift:
    """The shift to a week or a year earlier, or to the range just before.

    That has as many days, if days are asked for or the span ends at the time of day at which it
    begins; else it is as long.
    """
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    days = len(buckets.borders) - 1 if resolution is Resolution.DAY else 0
    if start.time() == end.time():
        days = days or (end.date() - start.date()).days
    match comparison:
        case Comparison.YEAR:
            return Shift(zone, _a_year_before)
        case Comparison.WEEK:
            return Shift(zone, lambda shown: shown - WEEK)
        case Comparison.PREVIOUS if days:
            return Shift(zone, lambda shown: shown - timedelta(days=days))
        case Comparison.PREVIOUS:
            return Shift(UTC, lambda shown: shown - span.length)


def _a_year_before(shown: datetime) -> datetime:
    """The same date of the year before, the 28th for a 29th of February."""
    try:
        return shown.replace(year=shown.year - 1)
    except ValueError:
        return shown.replace(year=shown.year - 1, day=LEAP_DAY_BEFORE)
