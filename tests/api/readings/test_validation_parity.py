"""A reading is accepted or rejected for the same reason, by whatever way it comes."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.http.json_object import MalformedJsonError, parse_json_object
from api.http.problem_details import InvalidRequestError
from api.line_protocol.series import EquipmentIds
from api.line_protocol.service import PointValidator, Precision
from api.readings.body_rows import validate_each
from api.readings.fast_decoding import decode_readings
from api.readings.reading_decoder import decode_reading
from api.readings.validated_rows import ValidatedRows
from api.readings.validation import NaiveTimestamps, validate_reading
from core.imports import COLUMNS, EQUIPMENT_ID, TIMESTAMP, VALUE, ImportOptions, TimeFormat
from core.readings import EARLIEST, Reading, ReadingRow, TimeBounds
from core.readings import TIMESTAMP as ISO_8601
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.layout import Layout
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.parquet_text import as_text
from jobs.csv_import.validation import validate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOUNDS = TimeBounds.at(NOW, timedelta(days=1), EARLIEST, horizon=None)
PLAUSIBLE = TimeBounds.at(NOW, timedelta(days=1), datetime(2000, 1, 1, tzinfo=UTC), horizon=None)
DEFAULT = ImportOptions()
LAYOUT = Layout(",", len(COLUMNS), {name: COLUMNS.index(name) for name in COLUMNS})
VALID_TS = "2025-12-31T12:00:00Z"

Outcome = ReadingRow | str

# What both formats can carry: no quote, comma or line break, which each treats its own way.
plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='",\r\n'), max_size=12)
dates = st.dates().map(str)
offsets = st.sampled_from(["", "Z", "z", "+01", "-0530", "+14:00", "-23:59", "+24:00", "+1", "Q"])
timestamps = st.builds(
    "{}{}{}{}".format,
    dates | st.sampled_from(["2025-02-30", "0000-01-01", "9999-12-31", "0001-01-01"]),
    st.sampled_from(["T", " ", "t", "_"]),
    st.times().map(lambda time: time.isoformat()) | st.sampled_from(["24:00", "23:59:60", "1:00"]),
    offsets,
) | st.from_regex(ISO_8601, fullmatch=True)
numbers = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.sampled_from(
    ["1e400", "-1e-400", "0e-999", "1e300", "1.0000001e300", "1e-290", "9e-291", "9" * 320]
)


def as_json(equipment_id: str, timestamp: str, value: str, *, ascii_only: bool = True) -> bytes:
    members = {"equipmentId": equipment_id, "timestamp": timestamp}
    head = json.dumps(members, ensure_ascii=ascii_only)
    return f'{head[:-1]}, "value": {value}}}'.encode()


def posted(equipment_id: str, timestamp: str, value: str, bounds: TimeBounds = BOUNDS) -> Outcome:
    return outcome(decode_reading, as_json(equipment_id, timestamp, value), bounds)


def in_batch(equipment_id: str) -> Outcome:
    row = as_json(equipment_id, VALID_TS, "1", ascii_only=False)
    readings = decode_readings([row], BOUNDS)
    return readings[0] if readings else outcome(decode_reading, row)


def in_line_protocol(equipment_id: str) -> Outcome:
    tag = re.sub("[,= ]", r"\\\g<0>", equipment_id)
    seconds = int(datetime.fromisoformat(VALID_TS).timestamp())
    return of_line(f"m,id={tag} f=1 {seconds}", Precision.SECONDS)


def of_line(line: str, precision: Precision) -> Outcome:
    rows = ValidatedRows()
    ids = EquipmentIds("{tags.id}")
    validator = PointValidator(ids, precision, NOW, PLAUSIBLE, numeric_strings=False)
    validate_each(rows, 0, [line.encode()], validator.validate)
    return rows.readings[0] if rows.readings else next(iter(rows.codes))


def outcome(
    decode: Callable[[bytes, TimeBounds, NaiveTimestamps], Reading],
    text: bytes,
    bounds: TimeBounds = BOUNDS,
) -> Outcome:
    try:
        return decode(text, bounds, "utc")
    except InvalidRequestError as error:
        return error.problems[0].code
    except MalformedJsonError as error:
        return error.code


def full_path(text: bytes, bounds: TimeBounds, naive_timestamps: NaiveTimestamps) -> Reading:
    return validate_reading(parse_json_object(text), bounds, naive_timestamps)


def in_file(
    equipment_id: str,
    timestamp: str,
    value: str,
    bounds: TimeBounds = BOUNDS,
    options: ImportOptions = DEFAULT,
) -> Outcome:
    lines = pl.DataFrame(
        {LINE_NUMBER: [2], TEXT: [f"{equipment_id},{timestamp},{value}"]},
        schema={LINE_NUMBER: pl.Int64, TEXT: pl.String},
    )
    return of_row(split_fields(lines, LAYOUT), bounds, options)


def in_parquet(equipment_id: str) -> Outcome:
    columns = {EQUIPMENT_ID: equipment_id, TIMESTAMP: VALID_TS, VALUE: "1"}
    texts = {name: as_text(pa.array([text])) for name, text in columns.items()}
    return of_row(pl.DataFrame({LINE_NUMBER: [1], TEXT: [""]} | texts), BOUNDS, DEFAULT)


def of_row(row: pl.DataFrame, bounds: TimeBounds, options: ImportOptions) -> Outcome:
    validated = validate(row, options, bounds)
    for reading in validated.readings.iter_rows():
        return Reading(*reading)
    code: str = validated.rejects["code"].item()
    return code


@settings(max_examples=200, deadline=None)
@given(timestamp=timestamps, bounds=st.sampled_from([BOUNDS, PLAUSIBLE]))
@example("0001-01-01T00:00:00Z", BOUNDS)
@example("0001-01-01T00:00:00.000001Z", BOUNDS)
@example("0001-01-01T00:00:00+01:00", BOUNDS)
@example("9999-12-31T23:59:59-01:00", BOUNDS)
@example("2025-12-31T12:00:00.12345678901234567890Z", BOUNDS)
@example("1999-12-31T23:59:59.999999Z", PLAUSIBLE)
@example("2000-01-01T00:00:00+00:01", PLAUSIBLE)
@example("2000-01-01T00:00:00Z", PLAUSIBLE)
def test_timestamps_are_validated_alike(timestamp: str, bounds: TimeBounds) -> None:
    assert posted("a", timestamp, "1", bounds) == in_file("a", timestamp, "1", bounds)


@settings(max_examples=200, deadline=None)
@given(
    unit=st.sampled_from(list(TimeFormat)[1:]),
    count=st.integers(-(10**21) + 1, 10**21 - 1) | st.integers(0, 4 * 10**9),
)
@example(TimeFormat.EPOCH_NS, 1793491200)
@example(TimeFormat.EPOCH_S, 1793491200000)
def test_counts_are_validated_alike_in_lines_and_files(unit: TimeFormat, count: int) -> None:
    in_line = of_line(f"m,id=a f=1 {count}", Precision(unit.removeprefix("epoch_")))
    options = ImportOptions(time_format=unit)
    assert in_line == in_file("a", str(count), "1", PLAUSIBLE, options)


@settings(max_examples=200, deadline=None)
@given(value=numbers)
def test_numbers_are_validated_alike(value: str) -> None:
    assert posted("a", VALID_TS, value) == in_file("a", VALID_TS, value)


@settings(max_examples=200, deadline=None)
@given(equipment_id=plain | st.integers(250, 260).map("x".__mul__))
@example(" \x1f")
@example("\x85\u3000\t")
def test_equipment_ids_are_validated_alike(equipment_id: str) -> None:
    assert posted(equipment_id, VALID_TS, "1") == in_file(equipment_id, VALID_TS, "1")


lookalikes = st.text(
    st.sampled_from(
        "aA\u00e9e\u0301\u0316\u1f82\u212b \u00a0\u3000\u200b\ufeff\u00ad\u2028\t\x1f\u0085\ufe0f"
    ),
    min_size=1,
    max_size=6,
)
bulky = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", " " * 300, "\u0301"]),
    st.builds(
        str.__mul__, st.sampled_from(["e\u0301", "a", "\u0300\u0316"]), st.integers(120, 1100)
    ),
    st.sampled_from(["", "\u00a0" * 400, "\u200b"]),
)


@settings(max_examples=300, deadline=None)
@given(equipment_id=lookalikes | bulky | plain.filter(lambda text: text and "\\" not in text))
@example("t27 ")
@example("\ufefft27")
@example("\U000105d2\u0307")  # composed by Unicode 16, which Polars knows and Python 3.11 does not
def test_an_equipment_id_is_stored_or_refused_alike_by_every_way_in(equipment_id: str) -> None:
    expected = posted(equipment_id, VALID_TS, "1")
    assert in_batch(equipment_id) == expected
    assert in_line_protocol(equipment_id) == expected
    assert in_file(equipment_id, VALID_TS, "1") == expected
    assert in_parquet(equipment_id) == expected


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
        st.datetimes(max_value=NOW.replace(tzinfo=None)).map(lambda ts: f'"{ts}"'),
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
def test_the_fast_path_for_one_reading_agrees_with_the_full_path(text: str) -> None:
    written = text.encode("utf-8", "surrogatepass")
    assert outcome(decode_reading, written) == outcome(full_path, written)


usual_rows = st.builds(
    '{{"equipmentId":"{}","timestamp":"{}{}{}","value":{}}}'.format,
    st.text(st.characters(exclude_categories=["C"], exclude_characters='"\\'), min_size=1),
    st.datetimes(max_value=NOW.replace(tzinfo=None)).map(str),
    mostly(st.just(""), "000", "0000"),
    mostly(st.sampled_from(["Z", "+00:00"]), "z", "+01:00", "", "-00:00"),
    mostly(st.floats(-1e9, 1e9).map(repr), "0", "1e301", "1e-400"),
)


@settings(max_examples=400, deadline=None)
@given(rows=st.lists(usual_rows, min_size=1, max_size=3) | st.lists(texts, min_size=1, max_size=2))
@example(['{"equipmentId":"a"', f'"timestamp":"{VALID_TS}","value":1}}'])
@example([f'{{"equipmentId":"a","timestamp":"{VALID_TS}","value":0}}'])
@example(['{"equipmentId":"a","timestamp":"2025-12-30T24:00:00Z","value":1}'])
@example(['{"equipmentId":"a","timestamp":"2025-12-30T00:00:00.123456789Z","value":1}'])
def test_the_fast_path_for_many_rows_agrees_with_the_full_path(rows: list[str]) -> None:
    written = [row.encode("utf-8", "surrogatepass") for row in rows]
    readings = decode_readings(written, BOUNDS)
    assert readings in (None, [outcome(full_path, row) for row in written])


def test_usual_rows_take_the_fast_path() -> None:
    timestamps = [VALID_TS, "2025-12-31T12:00:00.123456+00:00", "2025-12-31 12:00:00.123456789Z"]
    values = ["0", "-0.0", "21.5", "1e300"]
    rows = [
        f'{{"equipmentId": "ä", "timestamp": "{timestamp}", "value": {value}}}'.encode()
        for timestamp in timestamps
        for value in values
    ]
    assert decode_readings(rows, BOUNDS) == [outcome(full_path, row) for row in rows]
