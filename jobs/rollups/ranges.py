"""Half-open time ranges: merged and aligned to buckets, clamped, split at chunk boundaries."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from core.time import TimeRange, ceiling, chunk_end, floor


def align_to_buckets(ranges: Iterable[TimeRange], width: timedelta) -> list[TimeRange]:
    """The fewest ranges of whole buckets that cover `ranges`, in order."""
    merged: list[TimeRange] = []
    for item in sorted(ranges):
        start, end = floor(item.start, width), ceiling(item.end, width)
        if merged and start <= merged[-1].end:
            merged[-1] = TimeRange(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(TimeRange(start, end))
    return merged


def clamp(
    ranges: Iterable[TimeRange], earliest: datetime | None, latest: datetime
) -> list[TimeRange]:
    """The parts of `ranges` within the limits; `earliest` None: no lower limit."""
    clamped = (
        TimeRange(max(item.start, earliest or item.start), min(item.end, latest)) for item in ranges
    )
    return [item for item in clamped if item.start < item.end]


def split_at_chunks(ranges: Iterable[TimeRange]) -> Iterator[TimeRange]:
    """The parts of `ranges`, in order, each within one chunk."""
    for item in ranges:
        start = item.start
        while start < item.end:
            end = min(chunk_end(start), item.end)
            yield TimeRange(start, end)
            start = end
