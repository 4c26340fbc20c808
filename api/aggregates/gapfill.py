"""Gap filling: buckets without readings, with values from the buckets around them."""

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from api.aggregates.bucket_row import FILLABLE, BucketRow, FillableValues, get_fillable

MAX_FILLED_BUCKETS = 100_000  # of all equipment together: a page is cut out of all of them


class Fill(StrEnum):
    """The values of a bucket without readings; with `none` it is left out."""

    NONE = "none"
    NULL = "null"
    PREVIOUS = "previous"
    LINEAR = "linear"


NULLS: FillableValues = (None,) * len(FILLABLE)


def fill_gaps(
    rows: Iterable[BucketRow], ids: Sequence[str | None], starts: Sequence[int], fill: Fill
) -> Iterator[BucketRow]:
    """A bucket for every start and id, in order; where there is no row, one without samples."""
    by_id: dict[str | None, dict[int, BucketRow]] = {name: {} for name in ids}
    for row in rows:
        by_id[row.equipment_id][row.interval_start] = row
    series = [_fill_series(name, by_id[name], starts, fill) for name in ids]
    for buckets in zip(*series, strict=True):
        yield from buckets


def _fill_series(
    equipment_id: str | None, rows: Mapping[int, BucketRow], starts: Sequence[int], fill: Fill
) -> Iterator[BucketRow]:
    """All buckets of one equipment."""
    measured = [rows[start] for start in sorted(rows)]
    for start in starts:
        if start in rows:
            yield rows[start]
        else:
            values = _fill_values(measured, start, fill)
            yield BucketRow.without_samples(equipment_id, start, values)


def _fill_values(measured: Sequence[BucketRow], start: int, fill: Fill) -> FillableValues:
    """The values of the gap that starts then, from the measured buckets before and after it."""
    index = bisect(measured, start, key=_start)
    if fill is Fill.PREVIOUS and index > 0:
        return get_fillable(measured[index - 1])
    if fill is Fill.LINEAR and 0 < index < len(measured):
        before, after = measured[index - 1], measured[index]
        share = (start - before.interval_start) / (after.interval_start - before.interval_start)
        return tuple(
            None if low is None or high is None else low + share * (high - low)
            for low, high in zip(get_fillable(before), get_fillable(after), strict=True)
        )
    return NULLS


def _start(bucket: BucketRow) -> int:
    return bucket.interval_start
