from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.time import CHUNK_LENGTH, DAY, EPOCH, HOUR, TimeRange, ceiling
from jobs.rollups.ranges import align_to_buckets, clamp, split_at_chunks

timestamps = st.integers(-700_000 * 24, 2_500_000 * 24).map(lambda hours: EPOCH + hours * HOUR / 3)
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=30))
ranges = st.lists(
    st.builds(lambda start, length: TimeRange(start, start + length), timestamps, lengths)
)
widths = st.sampled_from([HOUR, DAY])


@given(ranges, widths)
def test_aligned_ranges_are_whole_buckets_apart_from_each_other(
    dirty: list[TimeRange], width: timedelta
) -> None:
    aligned = align_to_buckets(dirty, width)
    boundaries = [boundary for item in aligned for boundary in (item.start, item.end)]
    assert all((boundary - EPOCH) % width == timedelta(0) for boundary in boundaries)
    assert boundaries == sorted(set(boundaries))


@given(ranges, widths)
def test_aligned_ranges_cover_what_was_dirty_and_not_a_bucket_more(
    dirty: list[TimeRange], width: timedelta
) -> None:
    aligned = align_to_buckets(dirty, width)
    assert all(any(a.start <= d.start and d.end <= a.end for a in aligned) for d in dirty)
    for item in aligned:
        first, last = (
            TimeRange(item.start, item.start + width),
            TimeRange(item.end - width, item.end),
        )
        assert any(d.overlaps(first) for d in dirty)
        assert any(d.overlaps(last) for d in dirty)


@given(ranges)
def test_split_ranges_add_up_and_none_crosses_a_chunk(dirty: list[TimeRange]) -> None:
    whole = align_to_buckets(dirty, HOUR)
    parts = list(split_at_chunks(whole))
    assert align_to_buckets(parts, HOUR) == whole
    assert all(
        (part.start - EPOCH) // CHUNK_LENGTH == (part.end - EPOCH - HOUR) // CHUNK_LENGTH
        for part in parts
    )


@given(ranges, timestamps, timestamps)
def test_clamped_ranges_are_within_the_limits(
    dirty: list[TimeRange], earliest: datetime, latest: datetime
) -> None:
    for item in clamp(dirty, earliest, latest):
        assert earliest <= item.start < item.end <= latest
        assert any(d.start <= item.start and item.end <= d.end for d in dirty)


def test_without_a_lower_limit_nothing_is_too_early() -> None:
    whole = TimeRange(datetime(1, 1, 1, tzinfo=UTC), datetime(2, 1, 1, tzinfo=UTC))
    assert clamp([whole], None, whole.end) == [whole]


def test_the_end_of_a_bucket_is_no_part_of_it() -> None:
    midnight = datetime(2024, 1, 1, tzinfo=UTC)
    assert ceiling(midnight, DAY) == midnight
    assert ceiling(midnight + timedelta(microseconds=1), DAY) == midnight + DAY
