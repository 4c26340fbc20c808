"""A Parquet file is read as the CSV file would be that has the same values."""

import dataclasses
import io
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.imports import DecimalMark, ImportOptions, TimeFormat
from core.readings import EARLIEST, TimeBounds
from core.settings import WorkerSettings
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.csv_import.parquet_file import open_parquet
from jobs.csv_import.validation import validate
from jobs.errors import FileFaultError
from tests.jobs.support import ImportCounts, add_import, outcome_of, rejects_of, rows_of, run_import

# SENSORFLOW_TEST_CHANGED_EVERY=1 changes every byte of a file, one after the other.
CHANGED_EVERY = int(os.environ.get("SENSORFLOW_TEST_CHANGED_EVERY", "17"))

BOUNDS = TimeBounds(None, datetime(2026, 1, 1, tzinfo=UTC), EARLIEST)
TS = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
DEFAULT = ImportOptions()

Read = tuple[list[tuple[str, datetime, float]], list[tuple[int, str, str, str]]]


def parquet(**columns: Any) -> bytes:
    """A file with these columns, two rows a group."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, row_group_size=2)
    return buffer.getvalue()


def table(**columns: Any) -> bytes:
    """Readings, some columns of which are the given ones; equally long."""
    height = max((len(values) for values in columns.values()), default=1)
    usual: dict[str, Any] = {
        "equipmentId": ["a"] * height,
        "timestamp": [TS] * height,
        "value": [1.5] * height,
    }
    return parquet(**(usual | columns))


def read(
    path: Path, content: bytes, options: ImportOptions = DEFAULT, rows_done: int = 0, size: int = 3
) -> Read:
    """Readings and rejects of the file."""
    path.write_bytes(content)
    source = open_parquet(path, options, rows_done, size, 10**6)
    readings, rejects, last = [], [], rows_done
    for rows in source.batches:
        validated = validate(rows.frame, source.options, BOUNDS)
        readings += validated.readings.rows()
        rejects += validated.rejects.rows()
        assert rows.first_line == last + 1
        last = rows.last_line
    assert last == rows_done + len(readings) + len(rejects)
    return readings, rejects


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.parquet"


IDS = ["a", 'b,"c"', "d  d", "é😀"]


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
)
def test_texts_of_every_kind_are_read(path: Path, kind: Any) -> None:
    texts = pa.array(IDS, pa.string()).cast(kind)
    timestamps = pa.array([TS.isoformat()] * 4, pa.string()).cast(kind)
    numbers = pa.array(["1,5"] * 4, pa.string()).cast(kind)
    content = table(equipmentId=texts, timestamp=timestamps, value=numbers)
    readings, rejects = read(path, content, ImportOptions(decimal=DecimalMark.COMMA))
    assert readings == [(text, TS, 1.5) for text in IDS]
    assert rejects == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([3, -4], pa.int8()), [3.0, -4.0]),
        (pa.array([2**63 + 1], pa.uint64()), [float(2**63 + 1)]),
        (pa.array([0.1], pa.float32()), [0.10000000149011612]),
        (pa.array([0.5], pa.float16()), [0.5]),
        (pa.array([1e300, -0.1, 5e-10], pa.float64()), [1e300, -0.1, 5e-10]),
        (pa.array([Decimal("12.50")], pa.decimal128(20, 2)), [12.5]),
        (
            pa.array([Decimal("-12.50"), None, Decimal(10) ** 60], pa.decimal256(70, 2)),
            [-12.5, 1e60],
        ),
    ],
)
def test_numbers_of_every_kind_are_read_exactly_whatever_the_decimal_mark(
    path: Path, values: Any, expected: list[float]
) -> None:
    for mark in DecimalMark:
        readings, _ = read(path, table(value=values), ImportOptions(decimal=mark))
        assert [value for *_, value in readings] == expected


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.floats(min_value=1e-290, max_value=1e300), min_size=1))
def test_every_number_in_bounds_is_read_exactly(path: Path, numbers: list[float]) -> None:
    readings, _ = read(path, table(value=numbers))
    assert [value for *_, value in readings] == numbers


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York", "+05:30"])
@pytest.mark.parametrize("time_format", [TimeFormat.ISO8601, TimeFormat.EPOCH_MS])
def test_typed_timestamps_are_their_moment_whatever_the_time_format(
    path: Path, unit: str, zone: str | None, time_format: TimeFormat
) -> None:
    rounded = TS.replace(microsecond={"s": 0, "ms": 678000}.get(unit, 678901))
    timestamps = pa.array([rounded], pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "UTC"))
    content = table(timestamp=timestamps.cast(pa.int64()).cast(pa.timestamp(unit, zone)))
    assert read(path, content, ImportOptions(time_format=time_format))[0][0][1] == rounded


def test_typed_timestamps_without_zone_are_of_the_clock_that_the_options_name(path: Path) -> None:
    local = [datetime(2013, 11, 3, hour, 30) for hour in (0, 1, 2)]  # noqa: DTZ001  # as it says
    readings, rejects = read(
        path, table(timestamp=local), ImportOptions(time_zone="America/New_York")
    )
    assert [ts for _, ts, _ in readings] == [
        datetime(2013, 11, 3, hour, 30, tzinfo=UTC) for hour in (4, 7)
    ]
    assert rejects == [(2, "ambiguous_time", "timestamp", "a,2013-11-03T01:30:00.000000,1.5")]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("count", [-(2**63), 2**63 - 1, -1])
def test_a_timestamp_no_calendar_reaches_is_a_bad_one(path: Path, unit: str, count: int) -> None:
    timestamps = pa.array([count], pa.int64()).cast(pa.timestamp(unit))
    readings, rejects = read(path, table(timestamp=timestamps))
    if unit == "ns" or count == -1:
        assert len(readings) + len(rejects) == 1
    else:
        assert [code for _, code, *_ in rejects] == ["bad_timestamp"]


@pytest.mark.parametrize("kind", [pa.int64(), pa.string(), pa.float64()])
def test_counted_timestamps_are_read_in_the_unit_that_the_options_name(
    path: Path, kind: Any
) -> None:
    seconds = pa.array([1383440400, 1383440401]).cast(kind)
    options = ImportOptions(time_format=TimeFormat.EPOCH_S)
    readings, _ = read(path, table(timestamp=seconds), options)
    first = datetime(2013, 11, 3, 1, tzinfo=UTC)
    assert [ts for _, ts, _ in readings] == [first, first + timedelta(seconds=1)]


def test_what_is_null_or_no_number_is_refused_as_in_a_csv_file(path: Path) -> None:
    content = table(
        equipmentId=["a", None, "c", "", 'e"', "x" * 10_000],
        timestamp=[TS, TS, None, TS, TS, TS],
        value=[None, 1.0, 1.0, 1.0, float("nan"), 1.0],
    )
    written = "2024-01-02T03:04:05.678901Z"
    assert read(path, content) == (
        [],
        [
            (1, "missing_value", "value", f"a,{written},"),
            (2, "missing_value", "equipmentId", f",{written},1.0"),
            (3, "missing_value", "timestamp", "c,,1.0"),
            (4, "missing_value", "equipmentId", f",{written},1.0"),
            (5, "not_finite", "value", f'"e""",{written},NaN'),
            (6, "too_long", "equipmentId", f"{'x' * 300}…,{written},1.0"),
        ],
    )


def test_a_column_of_nothing_but_nulls_is_missing_values(path: Path) -> None:
    _, rejects = read(path, table(value=pa.nulls(2)))
    assert [reject[:3] for reject in rejects] == [(n, "missing_value", "value") for n in (1, 2)]


@pytest.mark.parametrize("dictionary", [True, False])
def test_bytes_that_are_not_utf8_are_bad_text(path: Path, dictionary: bool) -> None:
    raw = pa.array([b"a\xff", b"b", None], pa.binary())
    texts = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    buffer = io.BytesIO()
    usual = {"timestamp": [TS] * 3, "value": [1.0] * 3}
    pq.write_table(pa.table({"device": texts, **usual}), buffer, use_dictionary=dictionary)
    readings, rejects = read(path, buffer.getvalue())
    assert [reading[0] for reading in readings] == ["b"]
    assert [reject[:2] for reject in rejects] == [(1, "bad_text"), (3, "missing_value")]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(1, 12),
    rows_done=st.integers(0, 12),
    size=st.integers(1, 5),
    group=st.integers(1, 5),
)
def test_the_rows_after_those_done_are_read_in_any_batches(
    path: Path, height: int, rows_done: int, size: int, group: int
) -> None:
    rows_done = min(rows_done, height)
    frame = pl.select(sensor=pl.format("{}", pl.int_range(height)), reading=pl.int_range(height))
    buffer = io.BytesIO()
    frame.with_columns(ts=pl.lit(TS)).write_parquet(buffer, row_group_size=group)
    readings, _ = read(path, buffer.getvalue(), rows_done=rows_done, size=size)
    expected = [(str(n), TS, float(n)) for n in range(rows_done, height)]
    assert readings == expected


MIXED = table(
    equipmentId=["a", "a", None, "b", "b"],
    timestamp=[TS + timedelta(hours=n // 2) for n in range(5)],
    value=[1, 2, 3, 4, 5],
    note=["other columns are passed over"] * 5,
)


async def test_a_file_is_imported_with_its_rejects_by_number_of_row(context: ImportContext) -> None:
    import_id = await add_import(context.pool, context.storage, MIXED, ".parquet")
    await run_import_job(dataclasses.replace(context, batch_lines=2), import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    expected = ImportCounts(read=5, inserted=3, replaced=1, rejected=1)
    assert (outcome.state, outcome.counts) == ("done", expected)
    assert sorted((await rows_of(context.pool)).values()) == [2, 4, 5]
    assert [reject[:3] for reject in await rejects_of(context.storage, import_id)] == [
        (3, "missing_value", "equipmentId")
    ]


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        (b"", {}, "bad_parquet", "named .parquet"),
        (b"PAR1" + b"x" * 100 + b"PAR1", {}, "bad_parquet", "damaged"),
        (MIXED[:-1], {}, "bad_parquet", "damaged"),
        (MIXED[: len(MIXED) // 2], {}, "bad_parquet", "damaged"),
        (parquet(equipmentId=["a"], time=[TS]), {}, "missing_header", "it has equipmentId"),
        (table(), {"columns": {"value": "Wert"}}, "missing_header", "timestamp, Wert"),
        (table(sensor=["a"]), {}, "ambiguous_header", "equipmentId, sensor"),
        (table(value=[[1.0]]), {}, "wrong_column_type", "type list<"),
        (table(value=[True]), {}, "wrong_column_type", "type bool"),
        (table(timestamp=[TS.date()]), {}, "wrong_column_type", "type date32"),
        (table(timestamp=[5]), {}, "wrong_column_type", "timeFormat"),
        (table(equipmentId=[b"a"]), {}, "wrong_column_type", "type binary"),
        (table(equipmentId=[None]), {}, "no_valid_rows", "line 1: missing_value"),
        (table().replace(b"equipmentId", b"equipment\xff\xff"), {}, "bad_parquet", "damaged"),
    ],
)
async def test_a_file_that_cannot_be_read_fails_clearly_and_leaves_nothing(
    context: ImportContext, content: bytes, options: dict[str, Any], code: str, message: str
) -> None:
    outcome = await run_import(context, content, ".parquet", ImportOptions(**options))
    assert (outcome.state, outcome.error_code) == ("failed", code)
    assert message in outcome.error_message
    assert await rows_of(context.pool) == {}


async def test_of_a_file_that_turns_out_damaged_during_validation_no_row_is_rejected(
    context: ImportContext,
) -> None:
    content = bytearray(table(value=[None, 1.5, 2.5, 3.5]))
    last = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(1).column(2)
    content[last.data_page_offset : last.data_page_offset + 4] = b"\xff" * 4
    options = ImportOptions(max_errors=1)
    import_id = await add_import(context.pool, context.storage, bytes(content), ".parquet", options)
    await run_import_job(dataclasses.replace(context, batch_lines=2), import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert (outcome.error_code, outcome.counts) == ("bad_parquet", ImportCounts())
    assert await rejects_of(context.storage, import_id) == []


async def test_a_file_of_more_rows_than_may_be_inflated_fails(context: ImportContext) -> None:
    small = dataclasses.replace(context, worker=WorkerSettings(max_inflated_bytes=24_000))
    outcome = await run_import(small, table(value=[1.0] * 1_000), ".parquet")
    assert outcome.state == "done"
    outcome = await run_import(small, table(value=[1.0] * 1_001), ".parquet")
    assert (outcome.state, outcome.error_code) == ("failed", "inflated_too_large")


def test_a_parquet_file_with_any_changed_byte_is_read_or_refused(path: Path) -> None:
    good = table(equipmentId=["a", "b", "a"], value=[1.0, 2.0, 3.0])
    for place in range(4, len(good) - 8, CHANGED_EVERY):
        for byte in (0x00, 0x1C, 0x15, 0xFF, good[place] ^ 0x80):
            damaged = good[:place] + bytes([byte]) + good[place + 1 :]
            with suppress(FileFaultError):
                read(path, damaged)


@pytest.mark.parametrize(
    "header", [b"", b"\x1c" * 2000, b"\x15" + b"\xff" * 2000, b"\x18\xff\xff\x03", b"\x19\x1c"]
)
def test_a_page_header_that_is_none_is_a_fault_of_the_file(path: Path, header: bytes) -> None:
    content = bytearray(table(equipmentId=["a" * 3000]))
    start = pq.read_metadata(io.BytesIO(content)).row_group(0).column(0).dictionary_page_offset
    content[start : start + max(len(header), 1)] = header or b"\x00"
    with pytest.raises(FileFaultError) as raised:
        read(path, bytes(content))
    assert raised.value.code == "bad_parquet"
