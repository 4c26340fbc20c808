"""A timestamp is the moment that Python's zoneinfo says, or is refused for what it says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.imports import COLUMNS, ImportOptions, TimeFormat
from core.readings import EARLIEST, LATEST, TimeBounds
from jobs.csv_import.field_splitting import split
from jobs.csv_import.header import Layout
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.validation import judge

ZONES = (
    "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Apia", "Europe/Berlin",
)  # fmt: skip
BOUNDS = TimeBounds(None, LATEST)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {
    TimeFormat.EPOCH_S: 6,
    TimeFormat.EPOCH_MS: 3,
    TimeFormat.EPOCH_US: 0,
    TimeFormat.EPOCH_NS: -3,
}

Verdict = datetime | str


def verdicts(written: list[str], options: ImportOptions) -> list[Verdict]:
    """The moment or the code of each."""
    texts = pl.Series(TEXT, [f"a,{text},1" for text in written], pl.String)
    lines = texts.to_frame().with_row_index(LINE_NUMBER)
    layout = Layout(",", 3, {name: COLUMNS.index(name) for name in COLUMNS})
    judged = judge(split(lines, layout), options, BOUNDS)
    codes = iter(judged.rejects.select(LINE_NUMBER, "code").rows())
    moments = iter(judged.readings["ts"].to_list())
    refused = dict(codes)
    return [refused[n] if n in refused else next(moments) for n in range(len(written))]


def by_the_clock_of(zone: str, local: datetime) -> Verdict:
    """What Python says of a time that the zone's clock is said to have shown."""
    place = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(place).replace(tzinfo=None) != local:
        return "skipped_time"
    return first if first == second else "ambiguous_time"


@cache
def around_changes(zone: str) -> list[datetime]:
    """Local times a quarter of an hour apart, around every change of the zone's clock."""
    return [
        naive + timedelta(minutes=15 * n)
        for naive in _changing_days(ZoneInfo(zone))
        for n in range(-8, 4 * 24 + 8)
    ]


def _changing_days(zone: ZoneInfo) -> Iterator[datetime]:
    day = datetime(1901, 1, 1, tzinfo=UTC)
    while day.year < 2025:
        if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
            yield day.astimezone(zone).replace(tzinfo=None, fold=0)
        day += DAY


@pytest.mark.parametrize("zone", ZONES)
def test_around_every_change_of_a_clock_times_are_what_zoneinfo_says(zone: str) -> None:
    times = around_changes(zone)
    found = verdicts([time.isoformat() for time in times], ImportOptions(time_zone=zone))
    expected = [by_the_clock_of(zone, time) for time in times]
    assert found == expected
    if zone != "Asia/Kathmandu":
        assert {"skipped_time", "ambiguous_time"} <= set(map(str, expected))


@settings(deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    times=st.lists(st.datetimes(datetime(1901, 1, 1), datetime(2024, 12, 31))),  # noqa: DTZ001
)
def test_any_time_of_a_clock_is_what_zoneinfo_says(zone: str, times: list[datetime]) -> None:
    found = verdicts([time.isoformat() for time in times], ImportOptions(time_zone=zone))
    assert found == [by_the_clock_of(zone, time) for time in times]


def test_an_offset_counts_more_than_the_zone() -> None:
    options = ImportOptions(time_zone="America/New_York")
    found = verdicts(
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
    assert found == [
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


@given(unit=st.sampled_from(list(UNITS)), moment=st.datetimes(timezones=st.just(UTC)))
def test_every_moment_counted_in_any_unit_is_read_exactly(
    unit: TimeFormat, moment: datetime
) -> None:
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    written = f"{Decimal(microseconds).scaleb(-UNITS[unit]):f}"
    expected = moment if EARLIEST <= moment <= LATEST else "bad_timestamp"
    assert verdicts([written], ImportOptions(time_format=unit)) == [expected]


@pytest.mark.parametrize(
    ("unit", "written", "microseconds"),
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
    unit: TimeFormat, written: str, microseconds: int
) -> None:
    expected = EPOCH + timedelta(microseconds=microseconds)
    assert verdicts([written], ImportOptions(time_format=unit)) == [expected]


@pytest.mark.parametrize(
    "written", ["1e9", "2013-11-03T01:00:00Z", "1.", ".5", "0x1", "1_0", "9" * 30, "\u0661"]
)
@pytest.mark.parametrize("unit", UNITS)
def test_what_is_no_count_is_a_bad_timestamp(unit: TimeFormat, written: str) -> None:
    assert verdicts([written], ImportOptions(time_format=unit)) == ["bad_timestamp"]
