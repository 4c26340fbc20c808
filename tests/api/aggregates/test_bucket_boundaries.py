"""Borders of buckets that are all alike are made when asked for, the same as written out."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.aggregates.resolutions import REACHES, Resolution, utc_buckets
from core.time import EPOCH, TimeRange, ceiling

# On both sides of the epoch.
MOMENTS = st.timedeltas(timedelta(days=-25_000), timedelta(days=80_000)).map(EPOCH.__add__)
LENGTHS = st.timedeltas(timedelta(microseconds=1), timedelta(hours=20))


@given(MOMENTS, LENGTHS, st.sampled_from(Resolution))
def test_they_are_all_multiples_of_the_width_from_the_start_to_behind_the_end(
    start: datetime, length: timedelta, resolution: Resolution
) -> None:
    span, width = TimeRange(start, start + length), REACHES[resolution].width
    written_out = [ceiling(span.start, width)]
    while written_out[-1] < span.end:
        written_out.append(written_out[-1] + width)
    borders = utc_buckets(span, resolution).borders
    assert list(borders) == written_out
    assert (borders[0], borders[-1], len(borders)) == (
        written_out[0],
        written_out[-1],
        len(written_out),
    )


@given(MOMENTS, LENGTHS, st.integers(0, 30), st.integers(0, 30))
def test_a_part_of_the_buckets_has_the_borders_of_the_part(
    start: datetime, length: timedelta, first: int, last: int
) -> None:
    buckets = utc_buckets(TimeRange(start, start + length), Resolution.HOUR)
    part = buckets.between(first, last)
    assert list(part.borders) == list(buckets.borders)[first : last + 1]
