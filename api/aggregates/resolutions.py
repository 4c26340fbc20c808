"""How fine the buckets may be, and over how long a range: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from api.aggregates.buckets import Buckets, EvenBoundaries, Source
from core.time import EPOCH, TimeRange, ceiling


class Resolution(StrEnum):
    """The width of a bucket, finest first."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionLimit:
    """The width of a bucket, the longest range allowed, and the longest for which auto picks it."""

    width: timedelta
    max_range: timedelta
    max_auto_range: timedelta


# Finer than an hour is computed from raw rows, so these ranges bound what one request may read.
RESOLUTION_LIMITS: Mapping[Resolution, ResolutionLimit] = MappingProxyType(
    {
        Resolution.MINUTE: ResolutionLimit(
            width=timedelta(minutes=1),
            max_range=timedelta(days=1),
            max_auto_range=timedelta(hours=6),
        ),
        Resolution.FIVE_MINUTES: ResolutionLimit(
            width=timedelta(minutes=5),
            max_range=timedelta(days=7),
            max_auto_range=timedelta(days=1),
        ),
        Resolution.QUARTER: ResolutionLimit(
            width=timedelta(minutes=15),
            max_range=timedelta(days=31),
            max_auto_range=timedelta(days=3),
        ),
        Resolution.HOUR: ResolutionLimit(
            width=timedelta(hours=1),
            max_range=timedelta(days=366),
            max_auto_range=timedelta(days=31),
        ),
        Resolution.DAY: ResolutionLimit(
            width=timedelta(days=1),
            max_range=timedelta(days=36_600),
            max_auto_range=timedelta(days=36_600),
        ),
    }
)

MAX_AUTO_READINGS = 2_000_000  # that auto lets one request read

ROLLUPS: Mapping[Resolution, Source] = MappingProxyType(
    {Resolution.HOUR: Source.HOURS, Resolution.DAY: Source.DAYS}
)


def finest_allowed(length: timedelta) -> Resolution | None:
    """The finest resolution that is allowed over so long a range; None when there is none."""
    limits = RESOLUTION_LIMITS.items()
    return next((name for name, limit in limits if length <= limit.max_range), None)


def auto_resolution(length: timedelta) -> Resolution:
    """What `auto` means for so long a range: at most some hundred buckets, days excepted."""
    limits = RESOLUTION_LIMITS.items()
    return next((name for name, limit in limits if length <= limit.max_auto_range), Resolution.DAY)


@dataclass(frozen=True, slots=True)
class Density:
    """The number of samples, and of hours (of each equipment) that have any."""

    samples: int
    hours: int


def coarsen(resolution: Resolution, density: Density) -> Resolution:
    """The finest resolution from this one on whose buckets hold a sample on average.

    The average is over the hours that have samples. It is hours, too, where more readings would
    have to be read than a quick response allows.
    """
    if density.samples > MAX_AUTO_READINGS:
        return Resolution.HOUR
    hour = RESOLUTION_LIMITS[Resolution.HOUR].width
    wide_enough = (
        name
        for name, limit in RESOLUTION_LIMITS.items()
        if limit.width >= RESOLUTION_LIMITS[resolution].width
        and density.samples * (limit.width / hour) >= density.hours
    )
    return next(wide_enough, Resolution.HOUR)


def utc_buckets(span: TimeRange, resolution: Resolution) -> Buckets:
    """The buckets that start in the range."""
    width = RESOLUTION_LIMITS[resolution].width
    first, last = ((ceiling(end, width) - EPOCH) // width for end in (span.start, span.end))
    boundaries = EvenBoundaries(width, range(first, last + 1))
    source = ROLLUPS.get(resolution, Source.READINGS)
    return Buckets(boundaries, source, are_rows=resolution in ROLLUPS)
