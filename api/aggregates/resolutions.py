"""How fine an answer may be, and over how long a range: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from api.aggregates.buckets import Buckets, EvenBorders, Source
from core.time import EPOCH, TimeRange, ceiling


class Resolution(StrEnum):
    """The width of a bucket, finest first."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"


@dataclass(frozen=True, slots=True)
class Reach:
    """The width of a bucket, the longest range allowed, and the longest for which auto picks it."""

    width: timedelta
    longest: timedelta
    auto: timedelta


# Finer than an hour is computed from raw rows, so these ranges bound what one request may read.
REACHES: Mapping[Resolution, Reach] = MappingProxyType(
    {
        Resolution.MINUTE: Reach(timedelta(minutes=1), timedelta(days=1), timedelta(hours=6)),
        Resolution.FIVE_MINUTES: Reach(timedelta(minutes=5), timedelta(days=7), timedelta(days=1)),
        Resolution.QUARTER: Reach(timedelta(minutes=15), timedelta(days=31), timedelta(days=3)),
        Resolution.HOUR: Reach(timedelta(hours=1), timedelta(days=366), timedelta(days=31)),
        Resolution.DAY: Reach(timedelta(days=1), timedelta(days=36_600), timedelta(days=36_600)),
    }
)

MOST_READ = 2_000_000  # readings that auto lets one request read

ROLLUPS: Mapping[Resolution, Source] = MappingProxyType(
    {Resolution.HOUR: Source.HOURS, Resolution.DAY: Source.DAYS}
)


def finest_allowed(length: timedelta) -> Resolution | None:
    """The finest resolution in which so long a range is answered; None when there is none."""
    return next((name for name, reach in REACHES.items() if length <= reach.longest), None)


def picked_for(length: timedelta) -> Resolution:
    """What `auto` means for so long a range: at most some hundred buckets, days excepted."""
    return next((name for name, reach in REACHES.items() if length <= reach.auto), Resolution.DAY)


@dataclass(frozen=True, slots=True)
class Density:
    """Samples, and the hours of any equipment that have some."""

    samples: int
    hours: int


def coarsened(resolution: Resolution, density: Density) -> Resolution:
    """The finest, from this one on, whose buckets hold a sample on average where there are some.

    It is hours also where more samples would have to be read than a quick answer can.
    """
    if density.samples > MOST_READ:
        return Resolution.HOUR
    wide_enough = (
        name
        for name, reach in REACHES.items()
        if reach.width >= REACHES[resolution].width
        and density.samples * (reach.width / REACHES[Resolution.HOUR].width) >= density.hours
    )
    return next(wide_enough, Resolution.HOUR)


def utc_buckets(span: TimeRange, resolution: Resolution) -> Buckets:
    """The buckets that start in the range."""
    width = REACHES[resolution].width
    first, last = ((ceiling(end, width) - EPOCH) // width for end in (span.start, span.end))
    borders = EvenBorders(width, range(first, last + 1))
    source = ROLLUPS.get(resolution, Source.READINGS)
    return Buckets(borders, source, are_rows=resolution in ROLLUPS)
