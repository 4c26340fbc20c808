"""Buckets without readings, told from those around them."""

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

MOST_FILLED = 100_000  # buckets, of all equipment together: a page is cut out of all of them


class Fill(StrEnum):
    """What a bucket without readings is told as; with `none` it is left out."""

    NONE = "none"
    NULL = "null"
    PREVIOUS = "previous"
    LINEAR = "linear"


class Bucket(NamedTuple):
    """A bucket as the queries in aggregates.sql give it."""

    equipment_id: str | None
    interval_start: int
    total_value: float | None
    sample_count: int
    average: float | None
    minimum: float | None
    maximum: float | None
    first: float | None
    last: float | None

    @property
    def levels(self) -> "Levels":
        """What it tells of values, whatever their number."""
        return self[4:]


Levels: TypeAlias = tuple[float | None, ...]  # average, minimum, maximum, first, last
NOTHING: Levels = (None,) * 5


def filled(
    rows: Iterable[Bucket], ids: Sequence[str | None], starts: Sequence[int], fill: Fill
) -> Iterator[Bucket]:
    """Every bucket, each of every id, in order; where the rows have none, one without samples."""
    known: dict[str | None, dict[int, Bucket]] = {name: {} for name in ids}
    for row in rows:
        known[row.equipment_id][row.interval_start] = row
    complete = [_complete(name, known[name], starts, fill) for name in ids]
    for buckets in zip(*complete, strict=True):
        yield from buckets


def _complete(
    equipment_id: str | None, known: Mapping[int, Bucket], starts: Sequence[int], fill: Fill
) -> Iterator[Bucket]:
    """One equipment's buckets, all of them."""
    measured = [known[start] for start in sorted(known)]
    for start in starts:
        if start in known:
            yield known[start]
        else:
            levels = _levels(measured, start, fill)
            yield Bucket(equipment_id, start, None, 0, *levels)


def _levels(measured: Sequence[Bucket], start: int, fill: Fill) -> Levels:
    """What the bucket that starts then is told as, by the measured ones before and after it."""
    place = bisect(measured, start, key=_start)
    if fill is Fill.PREVIOUS and place > 0:
        return measured[place - 1].levels
    if fill is Fill.LINEAR and 0 < place < len(measured):
        before, after = measured[place - 1], measured[place]
        share = (start - before.interval_start) / (after.interval_start - before.interval_start)
        return tuple(
            None if low is None or high is None else low + share * (high - low)
            for low, high in zip(before.levels, after.levels, strict=True)
        )
    return NOTHING


def _start(bucket: Bucket) -> int:
    return bucket.interval_start
