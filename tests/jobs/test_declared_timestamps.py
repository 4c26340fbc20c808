"""Timestamps by a declared pattern are what Python's strptime makes of them."""

import io
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.http.problem_details import InvalidRequestError
from api.imports.options import parse_options
from cli.imports.command_line import command_line
from cli.imports.options import form_fields
from core.imports import HeaderMode, Hour24, ImportOptions
from core.timestamp_patterns import parse_pattern, suggested_patterns
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.jobs.support import (
    ImportCounts,
    add_import,
    outcome_of,
    rejects_of,
    rows_of,
    run_import,
)
from tests.jobs.test_dry_run import forecast_of
from tests.jobs.test_rejects_resubmission import add_resubmission
from tests.jobs.test_timestamps import Parsed, expected_from_zoneinfo, parse

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
PATTERNS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%y %I:%M%p",
    "%Y-%m-%d %H",
    "%d-%b-%Y %H:%M:%S.%f",
    "%B %d %Y %I %p",
    "%H:%M:%S %d/%m/%Y",
    "%Y/%m/%dT%H:%M:%S%z",
    "%d.%m.%Y %H:%M %z",
    "%Y%m%d%H%M%S",
    "%y%m%d %H%M",
    "100%% %Y.%m.%d %H",
)
# In these, numbers that no sign separates are read by their digits; strptime guesses.
COMPACT = ("%Y%m%d%H%M%S", "%y%m%d %H%M")


def strptime(text: str, pattern: str) -> Parsed:
    """What Python makes of the text, in UTC if it has no offset."""
    try:
        ts = datetime.strptime(text.strip(), pattern)  # noqa: DTZ007  # it may have no offset
        return (ts if ts.tzinfo else ts.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return "bad_timestamp"


def parse_by(pattern: str, *texts: str, zone: str = "UTC") -> list[Parsed]:
    quoted = [f'"{text}"' for text in texts]
    return parse(quoted, ImportOptions(time_format=pattern, time_zone=zone))


offsets = st.sampled_from([timedelta(), timedelta(hours=5, minutes=30), timedelta(hours=-11)])
moments = st.datetimes(datetime(1901, 1, 1), datetime(2068, 12, 31)).map(  # noqa: DTZ001
    lambda ts: ts.replace(tzinfo=UTC)
)


@given(ts=moments, pattern=st.sampled_from(PATTERNS))
@example(ts=datetime(1968, 12, 31, tzinfo=UTC), pattern="%d.%m.%y %H:%M")
@example(ts=datetime(1969, 1, 1, tzinfo=UTC), pattern="%d.%m.%y %H:%M")
@example(ts=datetime(2000, 2, 29, 0, 5, tzinfo=UTC), pattern="%m/%d/%y %I:%M%p")
@example(ts=datetime(2000, 2, 29, 12, 5, tzinfo=UTC), pattern="%m/%d/%y %I:%M%p")
def test_what_strftime_writes_is_read_as_strptime_reads_it(ts: datetime, pattern: str) -> None:
    text = ts.strftime(pattern)
    assert parse_by(pattern, text) == [strptime(text, pattern)]
    unpadded = re.sub(r"(?<![0-9])0(?=[0-9])", "", text)
    if pattern not in COMPACT and "%f" not in pattern and "%z" not in pattern:
        assert parse_by(pattern, unpadded.lower()) == [strptime(unpadded.lower(), pattern)]


digits = st.integers(0, 9999).map(str) | st.integers(0, 60).map("{:02}".format)
separators = st.sampled_from([".", "/", "-", ":", " ", "  ", ""])
words = st.sampled_from(["am", "PM", "Nov", "nov", "november", "may", "Z", "+0100", "-05:30", "T"])
messes = st.lists(digits | separators | words, max_size=13).map("".join).filter(str.strip)


@settings(max_examples=300)
@given(text=messes, pattern=st.sampled_from([*PATTERNS]))
@example(text="31.04.2026 10:00:00", pattern="%d.%m.%Y %H:%M:%S")
@example(text="1.1.2026 24:00:00", pattern="%d.%m.%Y %H:%M:%S")
@example(text="1.1.2026 23:59:60", pattern="%d.%m.%Y %H:%M:%S")
@example(text="13/01/2026 01:00:00 PM", pattern="%m/%d/%Y %I:%M:%S %p")
@example(text="01/13/2026 13:00:00 PM", pattern="%m/%d/%Y %I:%M:%S %p")
@example(text="01/13/2026 00:00:00 AM", pattern="%m/%d/%Y %I:%M:%S %p")
def test_any_text_is_read_or_rejected_as_by_strptime(text: str, pattern: str) -> None:
    expected = strptime(text, pattern)
    if pattern in COMPACT and len(text.strip()) != len(NOON.strftime(pattern)):
        expected = "bad_timestamp"
    assert parse_by(pattern, text) == [expected]


@given(
    numbers=st.tuples(*[st.integers(0, 61)] * 5, st.integers(1900, 2100)),
    pattern=st.sampled_from(["%d.%m.%Y %H:%M:%S", "%m.%d.%Y %H:%M:%S"]),
)
def test_numbers_out_of_range_are_rejected(numbers: tuple[int, ...], pattern: str) -> None:
    first, second, hour, minute, seconds, year = numbers
    text = f"{first}.{second}.{year} {hour}:{minute}:{seconds}"
    assert parse_by(pattern, text) == [strptime(text, pattern)]


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("01.11.2026 12:00:00", "%d.%m.%Y %H:%M:%S", NOON),
        (" 1.11.2026  12:00:00 ", " %d.%m.%Y %H:%M:%S ", NOON),
        ("11/01/2026 12:00:00 PM", "%m/%d/%Y %I:%M:%S %p", NOON),
        ("01/11/26 12:00", "%d/%m/%y %H:%M", NOON),
        ("1-NOV-2026 12h", "%d-%b-%Y %Hh", NOON),
        ("01.11.2026 12:00:00,123456789", "%d.%m.%Y %H:%M:%S,%f", NOON.replace(microsecond=123456)),
        ("01.11.2026 12:00 UTC", "%d.%m.%Y %H:%M %Z", NOON),
        ("01.11.2026 12:00 gmt", "%d.%m.%Y %H:%M %Z", NOON),
        ("01.11.2026 12:00 CET", "%d.%m.%Y %H:%M %Z", "bad_timestamp"),
        ("01.11.2026 13:00+01", "%d.%m.%Y %H:%M%z", NOON),
        ("01.11.2026 12:00Z", "%d.%m.%Y %H:%M%z", NOON),
        ("20261101120000", "%Y%m%d%H%M%S", NOON),
        ("2026111120000", "%Y%m%d%H%M%S", "bad_timestamp"),
        ("2026-11-01T12:00:00Z", "%d.%m.%Y %H:%M:%S", "bad_timestamp"),
        ("\u0660\u0661.11.2026 12:00", "%d.%m.%Y %H:%M", "bad_timestamp"),
    ],
)
def test_each_directive_is_read(text: str, pattern: str, expected: Parsed) -> None:
    assert parse_by(pattern, text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01 12:00:00 UTC", "2026-11-01T12:00:00 utc", "2026-11-01 12:00 GMT",
        "2026-11-01 12:00:00 +0000", "2026-11-01 12:00:00+00", "2026-11-01 13:00:00 +01:00",
        "2026-11-01T12:00:00,000Z", "2026-11-01 12:00:00,0000000 -0000", "2026-11-01 12:00:00UTC",
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_the_usual_endings_are_understood_with_iso_8601(text: str, zone: str) -> None:
    assert parse([f'"{text}"'], ImportOptions(time_zone=zone)) == [NOON]


@pytest.mark.parametrize(
    "text", ["2026-11-01 12:00 CET", "2026-11-01 12:00  UTC", "2026-11-01 UTC"]
)
def test_other_endings_are_not(text: str) -> None:
    assert parse([text], ImportOptions()) == ["bad_timestamp"]


@given(
    zone=st.sampled_from(["America/New_York", "Australia/Lord_Howe", "Europe/Berlin"]),
    ts=st.datetimes(datetime(1970, 1, 1), datetime(2024, 12, 31)),  # noqa: DTZ001
)
@example("America/New_York", datetime(2013, 11, 3, 1, 30))  # noqa: DTZ001
@example("America/New_York", datetime(2013, 3, 10, 2, 30))  # noqa: DTZ001
def test_local_times_of_a_zone_are_read_as_those_in_iso_8601(zone: str, ts: datetime) -> None:
    local = ts.replace(microsecond=0)
    text = local.strftime("%m/%d/%Y %I:%M:%S %p")
    assert parse_by("%m/%d/%Y %I:%M:%S %p", text, zone=zone) == [
        expected_from_zoneinfo(zone, local)
    ]


def test_an_offset_in_the_text_counts_more_than_the_zone() -> None:
    zone = "Europe/Berlin"
    assert parse_by("%d.%m.%Y %H:%M%z", "27.10.2013 02:30+02:00", zone=zone) == [
        datetime(2013, 10, 27, 0, 30, tzinfo=UTC)
    ]
    # What ends like an offset is none.
    local = NOON.astimezone(ZoneInfo(zone)).strftime("%H:%M %d-%m-%Y")
    assert parse_by("%H:%M %d-%m-%Y", local, zone=zone) == [NOON]


@pytest.mark.parametrize("pattern", ["iso8601", "%Y-%m-%d %H:%M:%S"])
def test_the_end_of_a_day_is_the_next_one_by_option(pattern: str) -> None:
    texts = [
        "2026-10-31 24:00:00",
        "2026-12-31 24:00:00",
        "2026-10-31 24:00:01",
        "2026-10-31 24:01:00",
    ]
    assert parse(texts, ImportOptions(time_format=pattern)) == ["bad_timestamp"] * 4
    options = ImportOptions(time_format=pattern, hour24=Hour24.NEXT_DAY)
    midnights = [datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
    assert parse(texts, options) == [*midnights, "bad_timestamp", "bad_timestamp"]
    assert parse(["2026-11-01 12:00:00"], options) == [NOON]


def test_the_end_of_a_day_is_one_of_the_zone_and_of_the_offset() -> None:
    options = ImportOptions(hour24=Hour24.NEXT_DAY, time_zone="Europe/Berlin")
    texts = ["2026-10-31 24:00", "2026-10-31T24:00:00.000Z", "2026-10-31T24:00:00.001Z"]
    parsed = parse(texts, options)
    expected = [datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)]
    assert parsed == [*expected, "bad_timestamp"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("%d.%m.%Y %q", "has %q; the directives that it may have are %Y, %y, %m, "),
        ("%d.%m.%Y %H:%M:%S%", "has %; "),
        ("%d.%m.%Y", "must tell the hour"),
        ("%d.%m. %H:%M", "must tell the year"),
        ("%m.%Y %H:%M", "must tell the day"),
        ("%d.%Y %H:%M", "must tell the month"),
        ("%d.%m.%Y %H:%S", "must tell the minute"),
        ("%d.%m.%Y %H:%M.%f", "must tell the second"),
        ("%d.%m.%Y %I:%M", "must have %I and %p together"),
        ("%d.%m.%Y %H:%M %p", "must have %I and %p together"),
        ("%d.%m.%Y %d %H", "tells the day twice"),
        ("%d.%m.%Y %y %H", "tells the year twice"),
        ("%d.%m.%Y %H" + "x" * 100, "must be at most 100"),
        ("%d.%m.%Y\n%H", "must be at most 100 printable characters"),
        ("dd.mm.yyyy", "must be one of iso8601, "),
        ("", "must be one of iso8601, "),
    ],
)
def test_a_pattern_that_tells_no_timestamp_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        parse_options({"timeFormat": pattern})
    (problem,) = raised.value.problems
    assert problem.message.startswith(f"timeFormat {message}")


@given(st.text(st.sampled_from("%%%YymdbBHIpMSfzZq.:/ T()[]\\*+?|^$"), max_size=24))
def test_every_pattern_is_parsed_or_refused_and_matches_what_it_says(text: str) -> None:
    try:
        parse_pattern(text)
    except ValueError:
        return
    written = NOON.strftime(text)
    assert parse([f'"{written}"'], ImportOptions(time_format=text)) == [
        strptime(written, text.strip())
    ]


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("01/11/2026 00:00:00", ["%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"]),
        ("13/11/2026 00:00", ["%d/%m/%Y %H:%M"]),
        ("11/13/26 1:00 PM", ["%m/%d/%y %I:%M %p"]),
        ("13.11.2026, 00:00:00,5", ["%d.%m.%Y, %H:%M:%S,%f"]),
        ("2026/11/01 00:00:00 UTC", ["%Y/%m/%d %H:%M:%S %Z"]),
        ("2026-11-01 01:00:00 PM", ["%Y-%m-%d %I:%M:%S %p"]),
        ("31.10.2026 00:00+01:00", ["%d.%m.%Y %H:%M%z"]),
        ("32.10.2026 00:00", []),
        ("2026-11-01", []),
        ("yesterday", []),
    ],
)
def test_the_usual_ways_of_writing_are_known(text: str, patterns: list[str]) -> None:
    assert suggested_patterns(text) == patterns


TWO_COLUMNS = ImportOptions(columns={"timestamp": ["date", "time"]})


async def test_a_date_and_a_time_may_be_in_two_columns(context: ImportContext) -> None:
    lines = (
        "2026-11-01,00:05:00,1.5",
        ' 2026-11-01 ," 00:06 ",2',
        "2026-11-01,,3",
        ",00:07:00,4",
        ",,5",
        "2026-11-01T00:08:00Z,,6",
    )
    content = "sensor,date,time,value\n" + "".join(f"t19,{line}\n" for line in lines)
    import_id = await add_import(context.pool, context.storage, content, options=TWO_COLUMNS)
    await run_import_job(context, import_id, 0)
    assert await rows_of(context.pool) == {
        ("t19", "2026-11-01T00:05:00+00:00"): 1.5,
        ("t19", "2026-11-01T00:06:00+00:00"): 2.0,
        ("t19", "2026-11-01T00:08:00+00:00"): 6.0,
    }
    assert [reject[:3] for reject in await rejects_of(context.storage, import_id)] == [
        (4, "bad_timestamp", "timestamp"),
        (5, "bad_timestamp", "timestamp"),
        (6, "missing_value", "timestamp"),
    ]
    await add_resubmission(
        context.pool, context.storage, import_id, {4: "t19,2026-11-01,00:09:00,3"}
    )
    await run_import_job(context, import_id, 0)
    assert (await outcome_of(context.pool, import_id)).counts == ImportCounts(6, 4, rejected=2)


async def test_two_columns_go_with_a_pattern_a_zone_and_no_header(context: ImportContext) -> None:
    options = ImportOptions(
        time_format="%d.%m.%Y %H:%M",
        time_zone="Europe/Berlin",
        header=HeaderMode.NONE,
        columns={"timestamp": ["2", "4"], "equipmentId": "1", "value": "3"},
    )
    outcome = await run_import(context, "a;01.11.2026;5;01:00\n" * 2, options=options)
    assert outcome.counts == ImportCounts(read=2, inserted=1, unchanged=1)
    assert await rows_of(context.pool) == {("a", "2026-11-01T00:00:00+00:00"): 5.0}


@pytest.mark.parametrize("missing", ["date", "time"])
async def test_a_file_without_one_of_the_two_is_refused(
    context: ImportContext, missing: str
) -> None:
    names = [name for name in ("sensor", "date", "time", "value") if name != missing]
    outcome = await run_import(context, ",".join(names) + "\na,b,c\n", options=TWO_COLUMNS)
    assert outcome.error_code == "missing_header"
    assert missing in outcome.error_message


async def test_two_columns_of_parquet_are_texts(context: ImportContext) -> None:
    columns = {
        "sensor": ["a"],
        "date": ["2026-11-01"],
        "time": ["00:05:00"],
        "value": [1.5],
    }
    outcome = await run_import(context, as_parquet(columns), ".parquet", TWO_COLUMNS)
    assert outcome.counts == ImportCounts(read=1, inserted=1)
    columns["date"] = pa.array([20000], pa.date32())
    outcome = await run_import(context, as_parquet(columns), ".parquet", TWO_COLUMNS)
    assert outcome.error_code == "wrong_column_type"
    assert "Store date and time as text, or in one column" in outcome.error_message


def as_parquet(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "names",
    [
        {"timestamp": ["date"]},
        {"timestamp": ["date", "time", "zone"]},
        {"timestamp": ["date", "date"]},
        {"timestamp": ["date", 1.5]},
        {"timestamp": []},
        {"value": ["a", "b"]},
        {"timestamp": ["date", "time"], "value": "time"},
    ],
)
def test_other_lists_of_columns_are_refused(names: object) -> None:
    with pytest.raises(InvalidRequestError):
        parse_options({"columns": names})


@pytest.mark.parametrize(
    ("argument", "names"),
    [
        ("timestamp=date,time", ["date", "time"]),
        ('timestamp="Zeit, Ort"', "Zeit, Ort"),
        ("timestamp=Zeit", "Zeit"),
        ("value=Wert, Ort", "Wert, Ort"),
    ],
)
def test_a_flag_gives_two_columns_as_fields_of_csv(argument: str, names: object) -> None:
    fields = form_fields({"columns": [argument]})
    options = parse_options(fields)
    assert [*options.columns.values()] == [names]
    command = shlex.split(command_line(options, Path("a.csv")))
    assert parse_options(form_fields({"columns": [command[3]]})) == options


async def test_an_order_is_never_guessed_and_the_message_has_both(context: ImportContext) -> None:
    content = "sensor,time,value\na,01/11/2026 00:00:00,1\na,13/11/2026 00:00:00,1\n"
    outcome = await run_import(context, content)
    assert (outcome.state, outcome.error_code) == ("failed", "no_valid_rows")
    question = "day or month first? set timeFormat=%d/%m/%Y %H:%M:%S or %m/%d/%Y %H:%M:%S"
    assert f"line 2: bad_timestamp in timestamp ({question})" in outcome.error_message
    assert "line 3: bad_timestamp in timestamp (set timeFormat=%d/%m/%Y %H:%M:%S)" in (
        outcome.error_message
    )
    forecast = await forecast_of(context, "sensor,time,value\na,2026-11-01 24:00,1\n")
    assert forecast.first_rejects == [
        "line 2: bad_timestamp in timestamp (for 24:00 set hour24=next_day)"
    ]
    outcome = await run_import(
        context, content, options=ImportOptions(time_format="%d/%m/%Y %H:%M:%S")
    )
    assert (outcome.state, outcome.counts.inserted) == ("done", 2)
