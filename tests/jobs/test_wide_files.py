"""Wide files: every cell is a row of its own, counted, rejected and corrected for itself."""

import csv
import dataclasses
import io
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.http.problem_details import InvalidRequestError
from api.imports.options import parse_options
from api.imports.rejects_file import RejectKey
from core.database import Pool
from core.imports import (
    MAX_WIDE_COLUMNS,
    DecimalMark,
    ImportOptions,
    OnTooManyErrors,
    TableLayout,
)
from core.readings import EARLIEST, OnConflict, TimeBounds
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.csv_import.layout import Layout, Sensor, split_line
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.validation import validate
from jobs.csv_import.wide_cells import split_cells
from tests.jobs.load_model import Key, Row, load_row_by_row
from tests.jobs.support import (
    ImportCounts,
    Outcome,
    add_import,
    outcome_of,
    rejects_of,
    rows_of,
    run_import,
)
from tests.jobs.test_declared_timestamps import as_parquet
from tests.jobs.test_dry_run import counts_of, forecast_of
from tests.jobs.test_import_model import hold_only
from tests.jobs.test_rejects_resubmission import add_resubmission

WIDE = ImportOptions(layout=TableLayout.WIDE)
NOW = datetime(2026, 11, 2, tzinfo=UTC)
BOUNDS = TimeBounds.at(NOW, timedelta(days=1), EARLIEST, None)


def wide(**options: object) -> ImportOptions:
    return ImportOptions(layout=TableLayout.WIDE, **options)  # type: ignore[arg-type]  # its fields


def at(minute: int) -> str:
    return f"2026-11-01T00:{minute:02}:00+00:00"


async def test_every_column_but_the_timestamp_is_a_sensor(context: ImportContext) -> None:
    content = "time,temp,hum\n2026-11-01T00:00:00Z,8.1,55\n2026-11-01T00:01:00Z,,56\n"
    options = wide(id_template="plant1.{column}")
    outcome = await run_import(context, content, options=options)
    assert outcome.state == "done"
    assert outcome.counts == ImportCounts(read=4, inserted=3, skipped=1)
    assert await rows_of(context.pool) == {
        ("plant1.temp", at(0)): 8.1,
        ("plant1.hum", at(0)): 55.0,
        ("plant1.hum", at(1)): 56.0,
    }
    again = await run_import(context, content, options=options)
    assert again.counts == ImportCounts(read=4, unchanged=3, skipped=1)


LOGGED = """"TOA5","st1","CR1000","1234","CR1000.Std","CPU:a.CR1","1","Tbl"
"TIMESTAMP","RECORD","BattV","T_C"
"TS","RN","V","degC"
"","","Smp","Avg"
"2026-11-01 00:00:00",0,12.5,8.1
"2026-11-01 00:01:00",1,"NAN",-9999
"""


async def test_the_wide_body_of_toa5_is_read(context: ImportContext) -> None:
    options = wide(
        skip_lines=1,
        skip_lines_after_header=2,
        ignore_columns=["RECORD"],
        null_values=["NAN", "-9999"],
        id_template="st1.{column}",
    )
    outcome = await run_import(context, LOGGED, options=options)
    assert outcome.counts == ImportCounts(read=4, inserted=2, skipped=2)
    assert await rows_of(context.pool) == {
        ("st1.BattV", at(0)): 12.5,
        ("st1.T_C", at(0)): 8.1,
    }


FAULTY = """time;temp;hum;press
2026-11-01T00:00:00Z;8,1;x;
2026-11-01T00:01:00Z;8,2
01.11.2026 00:02:00;8,3;;1013

2026-11-01T00:03:00Z;"8,4";"y""z";nan
"""
COMMA = wide(decimal=DecimalMark.COMMA)


async def imported(
    context: ImportContext, content: str, options: ImportOptions, lines: int = 1000
) -> tuple[Outcome, list[tuple[int, str, str, str]]]:
    """The outcome and the rejects."""
    import_id = await add_import(context.pool, context.storage, content, options=options)
    await run_import_job(dataclasses.replace(context, batch_lines=lines), import_id, 0)
    rejects = await rejects_of(context.storage, import_id)
    return await outcome_of(context.pool, import_id), rejects


FAULTS = [
    (2, "bad_number", "hum", "2026-11-01T00:00:00Z;x"),
    (3, "wrong_columns", "", "2026-11-01T00:01:00Z;8,2"),
    (4, "bad_timestamp", "temp", "01.11.2026 00:02:00;8,3"),
    (4, "bad_timestamp", "hum", "01.11.2026 00:02:00;"),
    (4, "bad_timestamp", "press", "01.11.2026 00:02:00;1013"),
    (6, "bad_number", "hum", '2026-11-01T00:03:00Z;"y""z"'),
    (6, "not_finite", "press", "2026-11-01T00:03:00Z;nan"),
]


@pytest.mark.parametrize("batch_lines", [1, 3, 4, 1000])
async def test_a_reject_is_a_cell_with_its_line_and_column(
    context: ImportContext, batch_lines: int
) -> None:
    outcome, rejects = await imported(context, FAULTY, COMMA, batch_lines)
    assert outcome.state == "done"
    assert outcome.counts == ImportCounts(read=10, inserted=2, skipped=1, rejected=7)
    assert rejects == FAULTS


EITHER = "day or month first? set timeFormat=%d.%m.%Y %H:%M:%S or %m.%d.%Y %H:%M:%S"


async def test_the_dry_run_names_line_column_and_remedy(context: ImportContext) -> None:
    options = {"layout": TableLayout.WIDE, "decimal": DecimalMark.COMMA}
    forecast = await forecast_of(context, FAULTY, **options)
    assert counts_of(forecast) == ImportCounts(read=10, inserted=2, skipped=1, rejected=7)
    assert forecast.columns == {"timestamp": "time"}
    assert forecast.sensors == {"temp": "temp", "hum": "hum", "press": "press"}
    assert forecast.first_rejects == [
        "line 2: bad_number in hum",
        "line 3: wrong_columns",
        f"line 4: bad_timestamp in temp ({EITHER})",
    ]


async def test_corrected_cells_are_loaded_alone_and_lines_as_their_cells(
    context: ImportContext,
) -> None:
    import_id = await add_import(context.pool, context.storage, FAULTY, options=COMMA)
    await run_import_job(dataclasses.replace(context, batch_lines=3), import_id, 0)
    first = {
        RejectKey(2, "hum"): "2026-11-01T00:00:00Z;55",
        RejectKey(2, "temp"): "2026-11-01T00:00:00Z;99",  # was never rejected
        RejectKey(3): "2026-11-01T00:01:00Z;8,2;56;w",
        RejectKey(4, "hum"): "2026-11-01T00:02:00Z;",
        RejectKey(4, "press"): "2026-11-01T00:02:00Z;1013;1",
        RejectKey(6, "press"): "2026-11-01T00:03:00Z;inf",
    }
    await add_resubmission(context.pool, context.storage, import_id, first)
    await run_import_job(context, import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.counts == ImportCounts(read=12, inserted=5, skipped=2, rejected=5)
    assert await rejects_of(context.storage, import_id, 1) == [
        (3, "bad_number", "press", "2026-11-01T00:01:00Z;w"),
        (4, "bad_timestamp", "temp", "01.11.2026 00:02:00;8,3"),
        (4, "wrong_columns", "press", "2026-11-01T00:02:00Z;1013;1"),
        (6, "bad_number", "hum", '2026-11-01T00:03:00Z;"y""z"'),
        (6, "not_finite", "press", "2026-11-01T00:03:00Z;inf"),
    ]
    second = {
        RejectKey(3): "2026-11-01T00:01:00Z;1;1;1",  # is split by now
        RejectKey(3, "press"): "2026-11-01T00:01:00Z;1012",
        RejectKey(4, "press"): "2026-11-01T00:02:00Z;1013",
    }
    await add_resubmission(context.pool, context.storage, import_id, second)
    await run_import_job(context, import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.counts == ImportCounts(read=12, inserted=7, skipped=2, rejected=3)
    assert await rows_of(context.pool) == {
        ("temp", at(0)): 8.1,
        ("hum", at(0)): 55.0,
        ("temp", at(1)): 8.2,
        ("hum", at(1)): 56.0,
        ("press", at(1)): 1012.0,
        ("press", at(2)): 1013.0,
        ("temp", at(3)): 8.4,
    }


cells = st.sampled_from(["", "1", "2.5", "x", " ", '"3"', "-9999"])
minutes = st.sampled_from([0, 1, 2, None])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.tuples(minutes, cells, cells), max_size=12),
    batch_lines=st.integers(1, 9),
    on_conflict=st.sampled_from(OnConflict),
)
async def test_a_wide_file_is_loaded_as_its_cells_row_by_row(
    context: ImportContext,
    pool: Pool,
    lines: list[tuple[int | None, str, str]],
    batch_lines: int,
    on_conflict: OnConflict,
) -> None:
    await hold_only(pool, {})
    content = "time,a,b\n" + "".join(
        f"{'late' if minute is None else at(minute)},{one},{two}\n" for minute, one, two in lines
    )
    rows, skipped = model_of(lines)
    expected, counts = load_row_by_row({}, rows, on_conflict)
    counts = dataclasses.replace(counts, read=counts.read + skipped, skipped=skipped)
    outcome, rejects = await imported(
        context, content, wide(on_conflict=on_conflict, null_values=["-9999"]), batch_lines
    )
    assert (outcome.counts, await rows_of(context.pool)) == (counts, expected)
    keys = [(line, column) for line, _, column, _ in rejects]
    assert keys == sorted(set(keys)) or on_conflict is OnConflict.ERROR
    assert len(set(keys)) == counts.rejected


def model_of(lines: list[tuple[int | None, str, str]]) -> tuple[list[Row], int]:
    """The cells as rows of the model, and how many hold no reading."""
    rows, skipped = [], 0
    for minute, *values in lines:
        for name, value in zip("ab", values, strict=True):
            bare = value.strip(' "')
            if minute is not None and bare in {"", "-9999"}:
                skipped += 1
                continue
            bad = minute is None or bare == "x"
            key: Key = (name, "" if minute is None else at(minute))
            rows.append(Row(key, 0 if bad else float(bare), bad=bad))
    return rows, skipped


async def test_conflicts_name_line_and_column(context: ImportContext) -> None:
    content = "time,a,b\n" + f"{at(0)},1,2\n{at(0)},1,3\n{at(0)},4,2\n"
    outcome, rejects = await imported(context, content, wide(on_conflict=OnConflict.ERROR))
    assert outcome.counts == ImportCounts(read=6, inserted=2, unchanged=2, rejected=2)
    assert rejects == [
        (3, "conflict", "b", f"{at(0)},3"),
        (4, "conflict", "a", f"{at(0)},4"),
    ]


async def test_a_limit_of_errors_counts_cells(context: ImportContext) -> None:
    content = "time,a,b\n" + f"{at(0)},1,2\n{at(1)},1,x\n"
    for limit, state in (("25%", "done"), ("24%", "failed"), (0, "failed")):
        for how in OnTooManyErrors:
            options = wide(max_errors=limit, on_too_many_errors=how)
            assert (await run_import(context, content, options=options)).state == state


async def test_an_attempt_goes_on_behind_the_lines_that_are_done(context: ImportContext) -> None:
    content = "time,a,b\n" + "".join(f"{at(n)},{n},{n}\n" for n in range(10))
    import_id = await add_import(context.pool, context.storage, content, options=WIDE)
    await context.pool.execute(
        "UPDATE imports SET state = 'loading', lines_done = 5, rows_read = 8, rows_inserted = 8"
    )
    await run_import_job(dataclasses.replace(context, batch_lines=5), import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.counts == ImportCounts(read=20, inserted=20)
    assert len(await rows_of(context.pool)) == 12


@pytest.mark.parametrize(
    ("header", "code", "message"),
    [
        ("time,a,a", "ambiguous_header", "Columns 2 and 3, 'a' and 'a', are both 'p.a'"),
        ("time,é,e\u0301", "ambiguous_header", "Columns 2 and 3,"),
        ("time,a,", "invalid_column", "Column 3 has no name"),
        ("time,a,b\u200bc", "invalid_column", "invisible character U+200B"),
        ("time,a,b\x07c", "invalid_column", "Column 3, 'b\\x07c', makes no equipment id"),
        ("time,a," + "x" * 254, "invalid_column", "must have at most 255 characters"),
        ("time", "missing_header", "must name the columns timestamp"),
        ("a,b,c", "missing_header", "must name the columns timestamp"),
        ("time,ts,a", "ambiguous_header", "More than one column may be timestamp: time, ts"),
        ("time,a\n,b,ignored", "invalid_column", ""),
        ("time," + ",".join(map(str, range(MAX_WIDE_COLUMNS))), "invalid_column", "5,001 columns"),
    ],
)
async def test_columns_that_make_no_sensors_are_refused_by_name(
    context: ImportContext, header: str, code: str, message: str
) -> None:
    ignored = ["gone"] if "ignored" in header else []
    options = wide(id_template="p.{column}", ignore_columns=ignored)
    outcome = await run_import(context, header + f"\n{at(0)},1,2\n", options=options)
    assert (outcome.state, outcome.error_code) == ("failed", code)
    assert message in outcome.error_message
    assert await rows_of(context.pool) == {}


async def test_ignored_columns_are_no_sensors_with_a_name_or_without(
    context: ImportContext,
) -> None:
    content = f",time,a,RECORD,\n0,{at(0)},1,7,\n"
    options = wide(ignore_columns=["RECORD", ""])
    outcome = await run_import(context, content, options=options)
    assert outcome.counts == ImportCounts(read=1, inserted=1)


async def test_date_and_time_may_be_two_columns_of_a_wide_file(context: ImportContext) -> None:
    content = "date,time,a,b\n01.11.2026,00:00,1,x\n"
    options = wide(columns={"timestamp": ["date", "time"]}, time_format="%d.%m.%Y %H:%M")
    outcome, rejects = await imported(context, content, options)
    assert outcome.counts == ImportCounts(read=2, inserted=1, rejected=1)
    assert rejects == [(2, "bad_number", "b", "01.11.2026 00:00,x")]


async def test_a_wide_parquet_file_is_refused_with_the_remedy(context: ImportContext) -> None:
    content = as_parquet({"time": [at(0)], "a": [1.5]})
    outcome = await run_import(context, content, ".parquet", WIDE)
    assert (outcome.state, outcome.error_code) == ("failed", "invalid_column")
    assert "as CSV" in outcome.error_message


async def test_a_thousand_columns_are_loaded_in_batches_of_bounded_cells(
    context: ImportContext,
) -> None:
    names = [f"s{n}" for n in range(1000)]
    line = ",".join(map(str, range(1000)))
    content = f"time,{','.join(names)}\n" + "".join(f"{at(n)},{line}\n" for n in range(5))
    outcome, _ = await imported(context, content, WIDE, 2500)
    assert outcome.counts == ImportCounts(read=5000, inserted=5000)
    assert await context.pool.fetchval("SELECT value FROM readings WHERE equipment_id = 's999'")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"layout": "wide", "columns": {"value": "a"}}, "columns"),
        ({"layout": "wide", "header": "none"}, "header"),
        ({"idTemplate": "a.{column}"}, "idTemplate"),
        ({"ignoreColumns": ["a"]}, "ignoreColumns"),
        ({"layout": "wide", "idTemplate": "a"}, "idTemplate"),
        ({"layout": "wide", "idTemplate": "{column}{column}"}, "idTemplate"),
        ({"layout": "wide", "idTemplate": "a\u200b{column}"}, "idTemplate"),
        ({"layout": "wide", "ignoreColumns": "RECORD"}, "ignoreColumns"),
        ({"layout": "broad"}, "layout"),
    ],
)
def test_options_that_do_not_go_together_are_refused(fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        parse_options(fields)
    assert [problem.field for problem in raised.value.problems] == [field]


LAYOUTS = {
    mark: Layout(mark, 3, {"timestamp": 0}, sensors=[Sensor(1, "a", "a"), Sensor(2, "b", "b")])
    for mark in ",;|\t"
}


def split(lines: list[str], mark: str) -> list[tuple[int, str | None]]:
    frame = pl.DataFrame({TEXT: lines}, schema={TEXT: pl.String}).with_row_index(LINE_NUMBER)
    return split_cells(frame, LAYOUTS[mark]).select(LINE_NUMBER, "value").rows()


@given(
    rows=st.lists(st.lists(st.text('ab",;|\t ü', max_size=4), min_size=3, max_size=3)),
    mark=st.sampled_from(",;|\t"),
    quote_all=st.booleans(),
)
def test_cells_are_split_as_the_csv_module_writes_them(
    rows: list[list[str]], mark: str, *, quote_all: bool
) -> None:
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=mark,
        quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
        lineterminator="\n",
    )
    writer.writerows(rows)
    lines = text.getvalue().split("\n")[:-1]
    shown = [(n, row) for n, row in enumerate(rows) if lines[n].strip()]
    assert split(lines, mark) == [(n, cell) for n, row in shown for cell in row[1:]]


@given(st.lists(st.text(st.sampled_from('a",'), max_size=8), max_size=6))
def test_a_line_with_other_fields_or_a_quote_out_of_place_is_one_row(lines: list[str]) -> None:
    for n, line in enumerate(lines):
        found = [value for number, value in split(lines, ",") if number == n]
        if not line:
            assert found == []
        elif '"' not in line:
            fields = line.split(",")
            fits = len(fields) == 3 or (len(fields) == 4 and fields[3] == "")
            assert found == (fields[1:3] if fits else [None])
        assert found == [value for _, value in split([line], ",")]


def test_a_line_that_does_not_split_is_rejected_whole() -> None:
    frame = pl.DataFrame({LINE_NUMBER: [2], TEXT: ["a,b"]})
    validated = validate(split_cells(frame, LAYOUTS[","]), WIDE, BOUNDS)
    assert validated.rejects.rows() == [(2, "wrong_columns", "", "a,b")]
    assert validated.rows_read == 1
    assert split_line("a,b", ",") == ["a", "b"]
