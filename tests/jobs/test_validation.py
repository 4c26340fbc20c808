"""Which lines are readings, and for which reason the others are rejected."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.imports import COLUMNS, DecimalMark, Delimiter, ImportOptions
from core.readings import EARLIEST, TimeBounds
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.layout import Layout
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.validation import ValidatedBatch, validate
from tests.support.ids import is_stored_unchanged

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULT = ImportOptions()
BOUNDS = TimeBounds.at(NOW, timedelta(days=1), EARLIEST, None)
TS = "2024-01-01T00:00:00Z"


def validated(
    *texts: str,
    columns: tuple[str, ...] = COLUMNS,
    options: ImportOptions = DEFAULT,
    bounds: TimeBounds = BOUNDS,
) -> ValidatedBatch:
    lines = pl.DataFrame({TEXT: texts}, schema={TEXT: pl.String})
    positions = {name: columns.index(name) for name in COLUMNS}
    layout = Layout(options.delimiter or ",", len(columns), positions)
    rows = split_fields(lines.with_row_index(LINE_NUMBER, offset=2), layout)
    return validate(rows, options, bounds)


def reading(
    text: str, columns: tuple[str, ...] = COLUMNS, options: ImportOptions = DEFAULT
) -> tuple[str, datetime, float]:
    (row,) = validated(text, columns=columns, options=options).readings.rows()
    return row


def rejection(
    text: str, bounds: TimeBounds = BOUNDS, options: ImportOptions = DEFAULT
) -> tuple[str, str]:
    ((line, code, column, row),) = validated(text, options=options, bounds=bounds).rejects.rows()
    assert (line, row) == (2, text)
    return code, column


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-11-03T01:00:00.000-05:00", "2013-11-03T06:00:00"),
        ("2013-11-03T01:00:00Z", "2013-11-03T01:00:00"),
        ("2013-11-03t01:00:00z", "2013-11-03T01:00:00"),
        ("2013-11-03 01:00:00", "2013-11-03T01:00:00"),
        ("2013-11-03T01:00", "2013-11-03T01:00:00"),
        ("2013-11-03T01:00:00+05:30", "2013-11-02T19:30:00"),
        ("2013-11-03T01:00:00+0530", "2013-11-02T19:30:00"),
        ("2013-11-03T01:00:00-05", "2013-11-03T06:00:00"),
        ("  2013-11-03T01:00:00Z ", "2013-11-03T01:00:00"),
        ("2013-11-03T01:00:00.5Z", "2013-11-03T01:00:00.500000"),
        ("2013-11-03T01:00:00.123456999Z", "2013-11-03T01:00:00.123456"),
        ("2024-02-29T23:59:59-00:00", "2024-02-29T23:59:59"),
        ("0001-01-02T00:00:00Z", "0001-01-02T00:00:00"),
    ],
)
def test_a_timestamp_in_iso_8601_is_converted_to_utc(text: str, expected: str) -> None:
    assert reading(f"a,{text},1")[1] == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2013-11-03", "20131103T010000Z", "2013-11-03T1:00:00Z", "2013-02-30T01:00:00Z",
        "2013-11-03T24:00:00Z", "2013-11-03T23:59:60Z", "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z", "0001-01-01T23:59:59Z", "9999-12-31T00:00:01Z",
        "2013-11-03T01:00:00 Z", "2013-11-03T01:00:00+24:00", "2013-11-03T01:00:00+05:60",
        "2013-13-01T01:00:00Z", "1383440400", "yesterday", "2013-11-03T01:00:00.Z",
        "\u0662\u0660\u0661\u0663-11-03T01:00:00Z", "x" * 10_000_000,
    ],
)  # fmt: skip
def test_an_invalid_timestamp_is_a_bad_timestamp(text: str) -> None:
    assert rejection(f"a,{text},1") == ("bad_timestamp", "timestamp")


@given(
    st.datetimes(datetime(1, 1, 3), datetime(2025, 12, 31)),  # noqa: DTZ001  # zones come below
    st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_every_timestamp_with_any_offset_is_parsed_as_python_does(
    naive: datetime, zone: timezone
) -> None:
    expected = naive.replace(tzinfo=zone)
    assert reading(f"a,{expected.isoformat()},1")[1] == expected


@given(st.floats(min_value=1e-290, max_value=1e300) | st.just(0.0), st.sampled_from(["", "-", "+"]))
def test_every_number_in_bounds_is_read_exactly(number: float, sign: str) -> None:
    assert reading(f"a,{TS}, {sign}{number!r} ")[2] == float(f"{sign}{number!r}")


@pytest.mark.parametrize("text", ["1", "1.", ".5", "-1.5E3", "1e-7", "+0", "0e999", "007"])
def test_plain_and_exponent_decimals_are_numbers(text: str) -> None:
    assert reading(f"a,{TS},{text}")[2] == float(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "missing_value"), ("  ", "missing_value"), ("nan", "not_finite"),
        ("-Inf", "not_finite"), ("Infinity", "not_finite"), ('"1,5"', "bad_number"),
        ("0x10", "bad_number"), ("1_000", "bad_number"), ("1 000", "bad_number"),
        ("e5", "bad_number"), (".", "bad_number"), ("--1", "bad_number"), ("\u0665", "bad_number"),
        ("true", "bad_number"), ("1e301", "out_of_range"), ("-1e400", "out_of_range"),
        ("1e-291", "out_of_range"), ("1e-400", "out_of_range"),
    ],
)  # fmt: skip
def test_each_kind_of_invalid_number_has_its_code(text: str, code: str) -> None:
    assert rejection(f"a,{TS},{text}") == (code, "value")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "missing_value"), (" \t", "missing_value"), ("x" * 256, "too_long"),
        ("x" * 10_000_000, "too_long"), ("a\x00b", "bad_text"), ("a\x7f", "bad_text"),
        ("a\x85b", "bad_text"), ("a\ufffd", "bad_text"), ("a\tb", "bad_text"),
        ("a\u200bb", "invisible_character"), ("\ufeffa", "invisible_character"),
        ("a\u00a0b", "invisible_character"), ("e\u0301" * 511, "too_long"),
    ],
)  # fmt: skip
def test_an_equipment_id_that_cannot_be_one_is_refused(text: str, code: str) -> None:
    assert rejection(f"{text},{TS},1") == (code, "equipmentId")


@pytest.mark.parametrize("text", ["x", "ü" * 255, "a  b", "é", "😀", "a'b;--"])
def test_an_equipment_id_is_stored_unchanged(text: str) -> None:
    assert reading(f"{text},{TS},1")[0] == text


@pytest.mark.parametrize(
    ("text", "equipment_id"),
    [
        (" a ", "a"),
        ("é\u00a0", "é"),
        ("\u3000a\t", "a"),
        ("e\u0301", "é"),
        ("e\u0301" * 255, "é" * 255),
    ],
)
def test_an_equipment_id_is_stored_composed_and_without_white_space_around_it(
    text: str, equipment_id: str
) -> None:
    assert reading(f"{text},{TS},1")[0] == equipment_id


@pytest.mark.parametrize(
    "text",
    [
        "a",
        f"a,{TS}",
        f"a,{TS},1,,",
        f"a,{TS},1, ",
        f"a,{TS},1,2,",
        f'a,{TS},1,""',
        f'"a,{TS},1',
        f'b",{TS},1',
        f'a "b",{TS},1',
        f'"a"b,{TS},1',
        ",,,,",
    ],
)
def test_a_line_with_other_columns_or_an_open_quote_is_refused_whole(text: str) -> None:
    assert rejection(text) == ("wrong_columns", "")


@pytest.mark.parametrize("text", [f"a,{TS},1,", f'"a",{TS},"1",', f'a,{TS},"1",'])
def test_a_delimiter_at_the_end_of_a_whole_row_begins_no_field(text: str) -> None:
    assert reading(text)[0] == "a"
    assert reading(text.replace("1", "2"))[2] == 2
    others = [f"a,{TS},1", f"a,{TS},1,", f"a,{TS},", f"a,{TS}"]
    batch = validated(*others, text)
    assert batch.readings.height == 3
    assert batch.rejects["code"].to_list() == ["missing_value", "wrong_columns"]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])), min_size=1))
def test_a_quoted_field_is_read_as_the_csv_module_writes_it(texts: list[str]) -> None:
    buffer = io.StringIO()
    fields = [text for text in texts if is_stored_unchanged(text)]
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [field, TS, "1"] for field in fields
    )
    result = validated(*buffer.getvalue().split("\n")[:-1])
    assert result.readings["equipment_id"].to_list() == fields


def test_columns_may_stand_in_any_order_and_others_are_passed_over() -> None:
    columns = ("value", "line", "timestamp", "equipmentId")
    result = reading(f'1.5,"x,y",{TS},a', columns=columns)
    assert result == ("a", datetime(2024, 1, 1, tzinfo=UTC), 1.5)


@pytest.mark.parametrize("text", ["1,5", " +1,5 ", "15e-1", '"1,5"', "1,5E0"])
def test_a_decimal_comma_is_parsed_if_the_options_say_so(text: str) -> None:
    options = ImportOptions(delimiter=Delimiter.SEMICOLON, decimal=DecimalMark.COMMA)
    assert reading(f"a;{TS};{text}", options=options)[2] == 1.5


@pytest.mark.parametrize("text", ["1.5", "1.000,5", "1,000,5", "1.000"])
def test_a_point_in_a_number_with_decimal_comma_is_refused(text: str) -> None:
    options = ImportOptions(delimiter=Delimiter.SEMICOLON, decimal=DecimalMark.COMMA)
    assert rejection(f"a;{TS};{text}", options=options) == ("bad_number", "value")


@pytest.mark.parametrize("delimiter", Delimiter)
def test_fields_are_separated_as_the_layout_says(delimiter: Delimiter) -> None:
    options = ImportOptions(delimiter=delimiter)
    others = "".join(other for other in ",;|" if other != delimiter)
    assert reading(delimiter.join([f"a{others}", TS, "1"]), options=options)[0] == f"a{others}"
    assert reading(delimiter.join(['"a,;b"', TS, "1"]), options=options)[0] == "a,;b"


def test_blank_lines_are_no_rows() -> None:
    result = validated("", "   ", f"a,{TS},1", "\t", "x")
    assert result.rows_read == 2
    assert result.rejects["line"].to_list() == [6]


def test_a_moment_outside_the_bounds_is_refused_and_on_them_accepted() -> None:
    bounds = TimeBounds(datetime(2024, 1, 1, tzinfo=UTC), NOW, EARLIEST)
    assert rejection("a,2023-12-31T23:59:59.999999Z,1", bounds) == ("below_retention", "timestamp")
    assert rejection("a,2026-01-01T00:00:00.000001Z,1", bounds) == ("too_future", "timestamp")
    within = validated("a,2024-01-01T00:00:00Z,1", "a,2026-01-01T00:00:00Z,1", bounds=bounds)
    assert within.rejects.is_empty()


def test_the_first_fault_of_a_line_is_the_one_reported() -> None:
    assert rejection(",x,y") == ("missing_value", "equipmentId")
    assert rejection("a,x,y") == ("bad_timestamp", "timestamp")


@given(
    lines=st.lists(st.text(st.sampled_from("a1,. \r\t")), min_size=1, max_size=9),
    columns=st.permutations([*COLUMNS, "more"]),
)
def test_a_quote_in_one_line_changes_no_other_line(lines: list[str], columns: list[str]) -> None:
    alone = validated(*lines, columns=tuple(columns))
    beside = validated(*lines, '"', columns=tuple(columns))
    assert beside.readings.equals(alone.readings)
    assert beside.rejects[:-1].equals(alone.rejects)
