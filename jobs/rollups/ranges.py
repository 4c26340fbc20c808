"""Time ranges, half open: merging, aligning and slicing them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from core.time import TimeRange, ceiling, chunk_end, floor


def aligned(ranges: Iterable[TimeRange], width: timedelta) -> list[TimeRange]:
    """The fewest ranges of whole buckets that cover `ranges`, in order."""
    merged: list[TimeRange] = []
    for item in sorted(ranges):
        start, end = floor(item.start, width), ceiling(item.end, width)
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
            end = min(chunk_end(start), item.end)
            yield TimeRange(start, end)
            start = end
