"""Time ranges, half open: merging, aligning and slicing them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.readings import CHUNK, EPOCH

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class TimeRange:
    """The moments from `start` up to but not including `end`; both aware."""

    start: datetime
    end: datetime

    def overlaps(self, other: "TimeRange") -> bool:
        """Whether some moment is in both."""
        return self.start < other.end and other.start < self.end


def floor(moment: datetime, width: timedelta) -> datetime:
    """The last multiple of `width` since the epoch that is not after `moment`."""
    return moment - (moment - EPOCH) % width


def ceil(moment: datetime, width: timedelta) -> datetime:
    """The first multiple of `width` since the epoch that is not before `moment`."""
    return moment + (EPOCH - moment) % width


def aligned(ranges: Iterable[TimeRange], width: timedelta) -> list[TimeRange]:
    """The fewest ranges of whole buckets that cover `ranges`, in order."""
    merged: list[TimeRange] = []
    for item in sorted(ranges):
        start, end = floor(item.start, width), ceil(item.end, width)
        if merged and start <= merged[-1].end:
            merged[-1] = TimeRange(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(TimeRange(start, end))
    return merged


def clamped(
    ranges: Iterable[TimeRange], earliest: datetime | None, latest: datetime
) -> list[TimeRange]:
    """What of `ranges` lies within the limits; `earliest` None: nothing is too early."""
    cut = (
        TimeRange(max(item.start, earliest or item.start), min(item.end, latest)) for item in ranges
    )
    return [item for item in cut if item.start < item.end]


def slices(ranges: Iterable[TimeRange]) -> Iterator[TimeRange]:
    """The parts of `ranges` that each lie in one chunk, in order."""
    for item in ranges:
        start = item.start
        while start < item.end:
            end = min(start + CHUNK - (start - EPOCH) % CHUNK, item.end)
            yield TimeRange(start, end)
            start = end
