from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.time import CHUNK_LENGTH, DAY, EPOCH, HOUR, TimeRange, ceiling
from jobs.rollups.ranges import aligned, clamped, slices

moments = st.integers(-700_000 * 24, 2_500_000 * 24).map(lambda hours: EPOCH + hours * HOUR / 3)
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=30))
ranges = st.lists(
    st.builds(lambda start, length: TimeRange(start, start + length), moments, lengths)
)
widths = st.sampled_from([HOUR, DAY])


@given(ranges, widths)
def test_aligned_ranges_are_whole_buckets_apart_from_each_other(
    dirty: list[TimeRange], width: timedelta
) -> None:
    found = aligned(dirty, width)
    borders = [border for item in found for border in (item.start, item.end)]
    assert all((border - EPOCH) % width == timedelta(0) for border in borders)
    assert borders == sorted(set(borders))


@given(ranges, widths)
def test_aligned_ranges_cover_what_was_dirty_and_not_a_bucket_more(
    dirty: list[TimeRange], width: timedelta
) -> None:
    found = aligned(dirty, width)
    assert all(any(a.start <= d.start and d.end <= a.end for a in found) for d in dirty)
    for item in found:
        first, last = (
            TimeRange(item.start, item.start + width),
            TimeRange(item.end - width, item.end),
        )
        assert any(d.overlaps(first) for d in dirty)
        assert any(d.overlaps(last) for d in dirty)


@given(ranges)
def test_slices_make_up_the_ranges_and_none_crosses_a_chunk(dirty: list[TimeRange]) -> None:
    whole = aligned(dirty, HOUR)
    parts = list(slices(whole))
    assert aligned(parts, HOUR) == whole
    assert all(
        (part.start - EPOCH) // CHUNK_LENGTH == (part.end - EPOCH - HOUR) // CHUNK_LENGTH
        for part in parts
    )


@given(ranges, moments, moments)
def test_clamped_ranges_keep_to_the_limits(
    dirty: list[TimeRange], earliest: datetime, latest: datetime
) -> None:
    for item in clamped(dirty, earliest, latest):
        assert earliest <= item.start < item.end <= latest
        assert any(d.start <= item.start and item.end <= d.end for d in dirty)


def test_without_an_earliest_moment_nothing_is_too_early() -> None:
    whole = TimeRange(datetime(1, 1, 1, tzinfo=UTC), datetime(2, 1, 1, tzinfo=UTC))
    assert clamped([whole], None, whole.end) == [whole]


def test_the_end_of_a_bucket_is_no_part_of_it() -> None:
    midnight = datetime(2024, 1, 1, tzinfo=UTC)
    assert ceiling(midnight, DAY) == midnight
    assert ceiling(midnight + timedelta(microseconds=1), DAY) == midnight + DAY
