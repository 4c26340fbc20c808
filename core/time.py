"""Timestamps, counts from the epoch, time ranges and the UTC buckets they fall into."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta.resolution
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# The microseconds since the epoch that a datetime can hold.
CALENDAR = range(
    (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND,
    (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND + 1,
)
CHUNK_LENGTH = timedelta(days=7)  # of the hypertable: whole weeks since the epoch

# A number is taken for a count of a unit where that makes it a timestamp this close to now.
PLAUSIBLE_DISTANCE = timedelta(days=10 * 365)


class EpochUnit(StrEnum):
    """What a number may count from the epoch; the value is its name in sentences."""

    HOURS = "hours"
    MINUTES = "minutes"
    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    MICROSECONDS = "microseconds"
    NANOSECONDS = "nanoseconds"


NANOSECONDS: Mapping[EpochUnit, int] = MappingProxyType(
    {
        EpochUnit.HOURS: 3600 * 10**9,
        EpochUnit.MINUTES: 60 * 10**9,
        EpochUnit.SECONDS: 10**9,
        EpochUnit.MILLISECONDS: 10**6,
        EpochUnit.MICROSECONDS: 10**3,
        EpochUnit.NANOSECONDS: 1,
    }
)


@dataclass(frozen=True, slots=True, order=True)
class TimeRange:
    """From `start` up to but not including `end`, both aware; empty if `end` is no later."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def overlaps(self, other: "TimeRange") -> bool:
        """Whether some timestamp is in both."""
        return self.start < other.end and other.start < self.end

    def __contains__(self, timestamp: datetime) -> bool:
        return self.start <= timestamp < self.end


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def from_epoch(count: int, unit: EpochUnit) -> datetime:
    """The timestamp of a count, to the microsecond; off the calendar, its first or last one."""
    microseconds = count * NANOSECONDS[unit] // 1000
    return EPOCH + MICROSECOND * min(max(microseconds, CALENDAR[0]), CALENDAR[-1])


def plausible_unit(count: int, now: datetime) -> EpochUnit | None:
    """The unit in which the count is a timestamp within ten years of now; in no two it is."""
    today, distance = (span // MICROSECOND * 1000 for span in (now - EPOCH, PLAUSIBLE_DISTANCE))
    for unit, nanoseconds in NANOSECONDS.items():
        if abs(count * nanoseconds - today) <= distance:
            return unit
    return None


def floor(timestamp: datetime, width: timedelta) -> datetime:
    """The last multiple of `width` since the epoch that is not after `timestamp`."""
    return timestamp - (timestamp - EPOCH) % width


def ceiling(timestamp: datetime, width: timedelta) -> datetime:
    """The first multiple of `width` since the epoch that is not before `timestamp`."""
    return timestamp + (EPOCH - timestamp) % width


def chunk_end(timestamp: datetime) -> datetime:
    """Where the chunk of the timestamp ends; its start may lie before the first year."""
    return timestamp + (CHUNK_LENGTH - (timestamp - EPOCH) % CHUNK_LENGTH)
