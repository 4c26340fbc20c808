"""A timestamp is parsed as Python's zoneinfo does, or rejected for the same reason."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.imports import COLUMNS, ImportOptions, TimeFormat
from core.readings import EARLIEST, LATEST, TimeBounds
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.layout import Layout
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.validation import validate

ZONES = (
    "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Apia", "Europe/Berlin",
)  # fmt: skip
BOUNDS = TimeBounds(None, LATEST, EARLIEST)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {
    TimeFormat.EPOCH_S: 6,
    TimeFormat.EPOCH_MS: 3,
    TimeFormat.EPOCH_US: 0,
    TimeFormat.EPOCH_NS: -3,
}

Parsed = datetime | str


def parse(texts: list[str], options: ImportOptions) -> list[Parsed]:
    """The timestamp in UTC, or the reject code, of each."""
    rows = pl.Series(TEXT, [f"a,{text},1" for text in texts], pl.String)
    lines = rows.to_frame().with_row_index(LINE_NUMBER)
    layout = Layout(",", 3, {name: COLUMNS.index(name) for name in COLUMNS})
    validated = validate(split_fields(lines, layout), options, BOUNDS)
    codes = dict(validated.rejects.select(LINE_NUMBER, "code").iter_rows())
    timestamps = iter(validated.readings["ts"].to_list())
    return [codes[n] if n in codes else next(timestamps) for n in range(len(texts))]


def expected_from_zoneinfo(zone: str, local: datetime) -> Parsed:
    """What Python makes of a local time in the zone."""
    tz = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(tz).replace(tzinfo=None) != local:
        return "skipped_time"
    return first if first == second else "ambiguous_time"


@cache
def around_transitions(zone: str) -> list[datetime]:
    """Local times a quarter of an hour apart, around every offset transition of the zone."""
    return [
        naive + timedelta(minutes=15 * n)
        for naive in _transition_days(ZoneInfo(zone))
        for n in range(-8, 4 * 24 + 8)
    ]


def _transition_days(zone: ZoneInfo) -> Iterator[datetime]:
    day = datetime(1901, 1, 1, tzinfo=UTC)
    while day.year < 2025:
        if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
            yield day.astimezone(zone).replace(tzinfo=None, fold=0)
        day += DAY


@pytest.mark.parametrize("zone", ZONES)
def test_around_every_transition_local_times_are_parsed_as_zoneinfo_does(zone: str) -> None:
    times = around_transitions(zone)
    parsed = parse([time.isoformat() for time in times], ImportOptions(time_zone=zone))
    expected = [expected_from_zoneinfo(zone, time) for time in times]
    assert parsed == expected
    if zone != "Asia/Kathmandu":
        assert {"skipped_time", "ambiguous_time"} <= set(map(str, expected))


@given(
    zone=st.sampled_from(ZONES),
    times=st.lists(st.datetimes(datetime(1901, 1, 1), datetime(2024, 12, 31))),  # noqa: DTZ001
)
def test_any_local_time_is_parsed_as_zoneinfo_does(zone: str, times: list[datetime]) -> None:
    parsed = parse([time.isoformat() for time in times], ImportOptions(time_zone=zone))
    assert parsed == [expected_from_zoneinfo(zone, time) for time in times]


def test_an_offset_counts_more_than_the_zone() -> None:
    options = ImportOptions(time_zone="America/New_York")
    parsed = parse(
        [
            "2013-11-03T01:30:00",
            "2013-11-03T01:30:00-04:00",
            "2013-11-03T01:30-05",
            "2013-11-03 06:30:00z",
            "2013-03-10T02:30:00",
            "2013-03-10T02:30:00+0000",
            "2013-02-30T02:30:00",
            "0001-01-01T00:00:00",
            "2100-01-01T00:00:00",
            "2100-01-01T00:00:00Z",
        ],
        options,
    )
    assert parsed == [
        "ambiguous_time",
        datetime(2013, 11, 3, 5, 30, tzinfo=UTC),
        datetime(2013, 11, 3, 6, 30, tzinfo=UTC),
        datetime(2013, 11, 3, 6, 30, tzinfo=UTC),
        "skipped_time",
        datetime(2013, 3, 10, 2, 30, tzinfo=UTC),
        "bad_timestamp",
        "bad_timestamp",
        "bad_timestamp",
        datetime(2100, 1, 1, tzinfo=UTC),
    ]


def within_bounds(ts: datetime) -> Parsed:
    if EARLIEST <= ts <= LATEST:
        return ts
    return "too_old" if ts < EARLIEST else "too_future"


@pytest.mark.parametrize("unit", UNITS)
def test_counts_off_the_calendar_are_too_old_or_too_far_ahead(unit: TimeFormat) -> None:
    counts = [f"{sign}{'9' * 21}.{'9' * 9}" for sign in ("-", "")]
    assert parse(counts, ImportOptions(time_format=unit)) == ["too_old", "too_future"]


@given(unit=st.sampled_from(list(UNITS)), ts=st.datetimes(timezones=st.just(UTC)))
def test_every_timestamp_counted_in_any_unit_is_read_exactly(
    unit: TimeFormat, ts: datetime
) -> None:
    microseconds = (ts - EPOCH) // timedelta(microseconds=1)
    text = f"{Decimal(microseconds).scaleb(-UNITS[unit]):f}"
    assert parse([text], ImportOptions(time_format=unit)) == [within_bounds(ts)]


@pytest.mark.parametrize(
    ("unit", "text", "microseconds"),
    [
        (TimeFormat.EPOCH_S, " 1383440400 ", 1383440400_000000),
        (TimeFormat.EPOCH_S, "+1383440400.1234567", 1383440400_123456),
        (TimeFormat.EPOCH_S, "-0.0000001", -1),
        (TimeFormat.EPOCH_MS, "1383440400000.5", 1383440400_000500),
        (TimeFormat.EPOCH_NS, "1383440400000000999", 1383440400_000000),
        (TimeFormat.EPOCH_NS, "-1", -1),
    ],
)
def test_digits_past_the_microsecond_are_dropped(
    unit: TimeFormat, text: str, microseconds: int
) -> None:
    expected = EPOCH + timedelta(microseconds=microseconds)
    assert parse([text], ImportOptions(time_format=unit)) == [expected]


@pytest.mark.parametrize(
    "text", ["1e9", "2013-11-03T01:00:00Z", "1.", ".5", "0x1", "1_0", "9" * 30, "\u0661"]
)
@pytest.mark.parametrize("unit", UNITS)
def test_what_is_no_count_is_a_bad_timestamp(unit: TimeFormat, text: str) -> None:
    assert parse([text], ImportOptions(time_format=unit)) == ["bad_timestamp"]
