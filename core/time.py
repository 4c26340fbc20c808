"""Timestamps, time ranges and the UTC buckets they fall into."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta.resolution
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CHUNK_LENGTH = timedelta(days=7)  # of the hypertable: whole weeks since the epoch


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


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def floor(timestamp: datetime, width: timedelta) -> datetime:
    """The last multiple of `width` since the epoch that is not after `timestamp`."""
    return timestamp - (timestamp - EPOCH) % width


def ceiling(timestamp: datetime, width: timedelta) -> datetime:
    """The first multiple of `width` since the epoch that is not before `timestamp`."""
    return timestamp + (EPOCH - timestamp) % width


def chunk_end(timestamp: datetime) -> datetime:
    """Where the chunk of the timestamp ends; its start may lie before the first year."""
    return timestamp + (CHUNK_LENGTH - (timestamp - EPOCH) % CHUNK_LENGTH)
