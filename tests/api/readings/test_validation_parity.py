"""A reading is accepted or refused for the same reason whether it is posted or comes in a file."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.http.json_object import MalformedJsonError, parse_json_object
from api.http.problem_details import InvalidRequestError
from api.readings.plain_rows import plain_readings
from api.readings.reading_json import read_reading
from api.readings.validation import NaiveTimestamps, judge_reading
from core.imports import COLUMNS, ImportOptions
from core.readings import TIMESTAMP, Reading, TimeBounds
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.header import Layout
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.validation import validate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOUNDS = TimeBounds.at(NOW, timedelta(days=1), horizon=None)
LAYOUT = Layout(",", len(COLUMNS), {name: COLUMNS.index(name) for name in COLUMNS})
GOOD_MOMENT = "2025-12-31T12:00:00Z"

Verdict = Reading | str

# What both can carry: no quote, comma or line break, which are the business of each format.
plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='",\r\n'), max_size=12)
dates = st.dates().map(str)
offsets = st.sampled_from(["", "Z", "z", "+01", "-0530", "+14:00", "-23:59", "+24:00", "+1", "Q"])
moments = st.builds(
    "{}{}{}{}".format,
    dates | st.sampled_from(["2025-02-30", "0000-01-01", "9999-12-31", "0001-01-01"]),
    st.sampled_from(["T", " ", "t", "_"]),
    st.times().map(lambda time: time.isoformat()) | st.sampled_from(["24:00", "23:59:60", "1:00"]),
    offsets,
) | st.from_regex(TIMESTAMP, fullmatch=True)
numbers = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.sampled_from(
    ["1e400", "-1e-400", "0e-999", "1e300", "1.0000001e300", "1e-290", "9e-291", "9" * 320]
)


def posted(equipment_id: str, timestamp: str, value: str) -> Verdict:
    head = json.dumps({"equipmentId": equipment_id, "timestamp": timestamp})
    return verdict(read_reading, f'{head[:-1]}, "value": {value}}}'.encode())


def verdict(read: Callable[[bytes, TimeBounds, NaiveTimestamps], Reading], text: bytes) -> Verdict:
    try:
        return read(text, BOUNDS, "utc")
    except InvalidRequestError as refusal:
        return refusal.problems[0].code
    except MalformedJsonError as refusal:
        return refusal.code


def thoroughly(text: bytes, bounds: TimeBounds, naive_timestamps: NaiveTimestamps) -> Reading:
    return judge_reading(parse_json_object(text), bounds, naive_timestamps)


def in_a_file(equipment_id: str, timestamp: str, value: str) -> Verdict:
    lines = pl.DataFrame(
        {LINE_NUMBER: [2], TEXT: [f"{equipment_id},{timestamp},{value}"]},
        schema={LINE_NUMBER: pl.Int64, TEXT: pl.String},
    )
    judged = validate(split_fields(lines, LAYOUT), ImportOptions(), BOUNDS)
    for row in judged.readings.iter_rows():
        return Reading(*row)
    code: str = judged.rejects["code"].item()
    return code


@settings(max_examples=200, deadline=None)
@given(timestamp=moments)
@example("0001-01-01T00:00:00Z")
@example("0001-01-01T00:00:00.000001Z")
@example("0001-01-01T00:00:00+01:00")
@example("9999-12-31T23:59:59-01:00")
@example("2025-12-31T12:00:00.12345678901234567890Z")
def test_timestamps_are_judged_alike(timestamp: str) -> None:
    assert posted("a", timestamp, "1") == in_a_file("a", timestamp, "1")


@settings(max_examples=200, deadline=None)
@given(value=numbers)
def test_numbers_are_judged_alike(value: str) -> None:
    assert posted("a", GOOD_MOMENT, value) == in_a_file("a", GOOD_MOMENT, value)


@settings(max_examples=200, deadline=None)
@given(equipment_id=plain | st.integers(250, 260).map("x".__mul__))
@example(" \x1f")
@example("\x85\u3000\t")
def test_equipment_ids_are_judged_alike(equipment_id: str) -> None:
    assert posted(equipment_id, GOOD_MOMENT, "1") == in_a_file(equipment_id, GOOD_MOMENT, "1")


spaces = st.sampled_from(["", "", "", " ", "\r", "\t"])


def mostly(good: st.SearchStrategy[str], *odd: str) -> st.SearchStrategy[str]:
    return st.integers(1, 12).flatmap(lambda n: st.sampled_from(odd) if n == 7 else good)


texts = st.builds(
    "{0}{{{0}{1}{0}:{2},{3}:{0}{4},{5}{0}:{6}{0}}}{7}".format,
    spaces,
    mostly(st.just('"equipmentId"'), '"equipment\\u0049d"', '"value"', '"unit"'),
    mostly(
        st.builds(json.dumps, plain | st.text(max_size=5), ensure_ascii=st.booleans()),
        *('"\\ud800"', '"\\u0000"', '"\x01"', "1", "null", '"a\\", \\"value\\": 0"'),
    ),
    mostly(st.just('"timestamp"'), '"time"'),
    mostly(
        st.datetimes(max_value=NOW.replace(tzinfo=None)).map(lambda moment: f'"{moment}"'),
        *("1735689600", "null", "[]"),
    ),
    mostly(st.just('"value"'), '"Value"'),
    mostly(
        numbers,
        *("0", "0.00", "-0", "0e5", "01", "+1", ".5", "1.", "NaN", "true", '"1"', "{}"),
    ),
    mostly(st.just(""), " ", "\r", ",", "}"),
)


@settings(max_examples=500, deadline=None)
@given(text=texts)
def test_what_is_read_in_one_step_is_judged_as_by_the_thorough_way(text: str) -> None:
    written = text.encode("utf-8", "surrogatepass")
    assert verdict(read_reading, written) == verdict(thoroughly, written)


usual_texts = st.builds(
    '{{"equipmentId":"{}","timestamp":"{}{}{}","value":{}}}'.format,
    st.text(st.characters(exclude_categories=["C"], exclude_characters='"\\'), min_size=1),
    st.datetimes(max_value=NOW.replace(tzinfo=None)).map(str),
    mostly(st.just(""), "000", "0000"),
    mostly(st.sampled_from(["Z", "+00:00"]), "z", "+01:00", "", "-00:00"),
    mostly(st.floats(-1e9, 1e9).map(repr), "0", "1e301", "1e-400"),
)


@settings(max_examples=400, deadline=None)
@given(rows=st.lists(usual_texts, min_size=1, max_size=3) | st.lists(texts, min_size=1, max_size=2))
@example(['{"equipmentId":"a"', f'"timestamp":"{GOOD_MOMENT}","value":1}}'])
@example([f'{{"equipmentId":"a","timestamp":"{GOOD_MOMENT}","value":0}}'])
@example(['{"equipmentId":"a","timestamp":"2025-12-30T24:00:00Z","value":1}'])
@example(['{"equipmentId":"a","timestamp":"2025-12-30T00:00:00.123456789Z","value":1}'])
def test_rows_that_are_read_at_once_are_read_as_one_by_one(rows: list[str]) -> None:
    written = [row.encode("utf-8", "surrogatepass") for row in rows]
    at_once = plain_readings(written, BOUNDS)
    assert at_once in (None, [verdict(thoroughly, row) for row in written])


def test_usual_rows_are_read_at_once() -> None:
    moments = [GOOD_MOMENT, "2025-12-31T12:00:00.123456+00:00", "2025-12-31 12:00:00.123456789Z"]
    values = ["0", "-0.0", "21.5", "1e300"]
    rows = [
        f'{{"equipmentId": "ä", "timestamp": "{moment}", "value": {value}}}'.encode()
        for moment in moments
        for value in values
    ]
    assert plain_readings(rows, BOUNDS) == [verdict(thoroughly, row) for row in rows]
