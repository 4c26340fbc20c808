"""Boundaries of buckets of equal width are computed on access, the same as a full list."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.aggregates.resolutions import RESOLUTION_LIMITS, Resolution, utc_buckets
from core.time import EPOCH, TimeRange, ceiling

# On both sides of the epoch.
TIMESTAMPS = st.timedeltas(timedelta(days=-25_000), timedelta(days=80_000)).map(EPOCH.__add__)
LENGTHS = st.timedeltas(timedelta(microseconds=1), timedelta(hours=20))


@given(TIMESTAMPS, LENGTHS, st.sampled_from(Resolution))
def test_boundaries_are_all_multiples_of_the_width_from_the_start_to_past_the_end(
    start: datetime, length: timedelta, resolution: Resolution
) -> None:
    span, width = TimeRange(start, start + length), RESOLUTION_LIMITS[resolution].width
    expected = [ceiling(span.start, width)]
    while expected[-1] < span.end:
        expected.append(expected[-1] + width)
    boundaries = utc_buckets(span, resolution).boundaries
    assert list(boundaries) == expected
    assert (boundaries[0], boundaries[-1], len(boundaries)) == (
        expected[0],
        expected[-1],
        len(expected),
    )


@given(TIMESTAMPS, LENGTHS, st.integers(0, 30), st.integers(0, 30))
def test_a_slice_of_the_buckets_has_the_boundaries_of_the_slice(
    start: datetime, length: timedelta, first: int, last: int
) -> None:
    buckets = utc_buckets(TimeRange(start, start + length), Resolution.HOUR)
    part = buckets.between(first, last)
    assert list(part.boundaries) == list(buckets.boundaries)[first : last + 1]
