"""Values that stand for no reading are skipped and counted apart; nothing else is."""

import dataclasses
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.database import Pool
from core.imports import DecimalMark, Delimiter, ImportOptions, OnTooManyErrors
from core.readings import OnConflict
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.jobs.support import (
    HEADER,
    ImportCounts,
    add_import,
    outcome_of,
    rejects_of,
    rows_of,
    run_import,
)
from tests.jobs.test_dry_run import counts_of, forecast_of
from tests.jobs.test_rejects_resubmission import add_resubmission
from tests.jobs.test_validation import validated

LOGGER = ImportOptions(null_values=["-9999", "NAN", ""])
WORDS = ImportOptions(null_values=["NULL", "na", "NAN", "-9999", "", "n/a", "---"])

# As data loggers write it: each way to say that there is no value, and one that is too large.
LOGGED = """sensor,time,value
t08,2026-11-01T00:00:00Z,NULL
t08,2026-11-01T00:01:00Z,NA
t08,2026-11-01T00:02:00Z,NAN
t08,2026-11-01T00:03:00Z,-9999
t08,2026-11-01T00:04:00Z,
t08,2026-11-01T00:05:00Z,n/a
t08,2026-11-01T00:06:00Z,---
t08,2026-11-01T00:07:00Z,Infinity
t08,2026-11-01T00:08:00Z,21.5
"""


def is_skipped(value: str, *null_values: str, decimal: DecimalMark = DecimalMark.POINT) -> bool:
    options = ImportOptions(
        null_values=[*null_values], decimal=decimal, delimiter=Delimiter.SEMICOLON
    )
    return validated(f"a;2024-01-01T00:00:00Z;{value}", options=options).skipped == 1


@pytest.mark.parametrize(
    "value",
    ["-9999", "-9999.0", " -9999.00 ", "-9.999e3", '"-9999"', "NAN", "nan", "NaN ", "", " "],
)
def test_a_value_that_is_a_null_value_is_no_reading(value: str) -> None:
    assert is_skipped(value, "-9999", "NAN", "")


@pytest.mark.parametrize("value", ["9999", "-9999.1", "-99990", "-999", "0", "NANA", "-", "null"])
def test_a_value_that_is_none_of_them_is_validated_as_ever(value: str) -> None:
    assert not is_skipped(value, "-9999", "NAN", "")
    assert not is_skipped("", "-9999")


@pytest.mark.parametrize(("value", "null_value"), [("-999,9", "-999.9"), ("-999,90", "-999,9")])
def test_a_number_may_be_given_with_a_point_or_as_in_the_file(value: str, null_value: str) -> None:
    assert is_skipped(value, null_value, decimal=DecimalMark.COMMA)
    assert not is_skipped("-9999", null_value, decimal=DecimalMark.COMMA)


def expected_to_skip(value: str, null_values: list[str]) -> bool:
    return any(
        value.strip().lower() == null_value.strip().lower()
        or (is_number(value) and is_number(null_value) and float(value) == float(null_value))
        for null_value in null_values
    )


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not set(text.lower()) & set("nif_")


cells = st.text(st.sampled_from("-9.0eEnNaA "), max_size=5)


@given(value=cells, null_values=st.lists(cells, min_size=1, max_size=4))
@example("-9e0", ["-9.0"])
@example("1e999", ["9e999"])
def test_texts_and_numbers_are_compared_as_python_does(value: str, null_values: list[str]) -> None:
    assert is_skipped(value, *null_values) == expected_to_skip(value, null_values)


async def test_null_values_are_counted_as_skipped_and_are_no_rejects(
    context: ImportContext,
) -> None:
    import_id = await add_import(context.pool, context.storage, LOGGED, options=WORDS)
    await run_import_job(context, import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.state == "done"
    assert outcome.counts == ImportCounts(read=9, inserted=1, skipped=7, rejected=1)
    assert await rows_of(context.pool) == {("t08", "2026-11-01T00:08:00+00:00"): 21.5}
    ((line, code, _, _),) = await rejects_of(context.storage, import_id)
    assert (line, code) == (9, "not_finite")
    forecast = await forecast_of(context, LOGGED, null_values=WORDS.null_values)
    assert counts_of(forecast) == ImportCounts(read=9, unchanged=1, skipped=7, rejected=1)


async def test_without_the_option_they_are_rejected_as_ever(context: ImportContext) -> None:
    outcome = await run_import(context, LOGGED)
    assert outcome.counts == ImportCounts(read=9, inserted=2, rejected=7)


async def test_a_null_value_with_another_fault_is_a_reject(
    context: ImportContext, pool: Pool
) -> None:
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ('2024-01-01Z')")
    lines = [
        ",2024-01-01T00:00Z,-9999",
        "a,yesterday,-9999",
        "a,2099-01-01T00:00Z,-9999",
        "a,2023-12-31T00:00Z,-9999",
        "a,2024-01-01T00:00Z,-9999,x",
        "a,2024-01-01T00:00Z,-9999",
    ]
    content = HEADER + "\n".join(lines)
    import_id = await add_import(context.pool, context.storage, content, options=LOGGER)
    await run_import_job(context, import_id, 0)
    counts = (await outcome_of(context.pool, import_id)).counts
    assert counts == ImportCounts(read=6, skipped=1, rejected=5)
    assert [code for _, code, *_ in await rejects_of(context.storage, import_id)] == [
        "missing_value",
        "bad_timestamp",
        "too_future",
        "below_retention",
        "wrong_columns",
    ]


@pytest.mark.parametrize("on_conflict", OnConflict)
async def test_a_file_without_any_reading_is_done(
    context: ImportContext, on_conflict: OnConflict
) -> None:
    options = ImportOptions(null_values=["-9999"], on_conflict=on_conflict)
    content = HEADER + "a,2024-01-01T00:00Z,-9999\n" * 5
    outcome = await run_import(
        dataclasses.replace(context, batch_lines=2), content, options=options
    )
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(read=5, skipped=5))
    forecast = await forecast_of(context, content, null_values=["-9999"])
    assert counts_of(forecast) == ImportCounts(read=5, skipped=5)
    assert forecast.fault(options) is None


@pytest.mark.parametrize("how", OnTooManyErrors)
async def test_skipped_rows_are_no_errors_but_are_among_all_rows(
    context: ImportContext, how: OnTooManyErrors
) -> None:
    content = HEADER + "a,2024-01-01T00:00Z,-9999\n" * 8 + "a,2024-01-01T00:00Z,x\n" * 2
    for max_errors, state in (("20%", "done"), (2, "done"), ("19%", "failed"), (1, "failed")):
        options = ImportOptions(
            null_values=["-9999"], max_errors=max_errors, on_too_many_errors=how
        )
        outcome = await run_import(context, content, options=options)
        assert outcome.state == state
        discarded = state == "failed" and how is OnTooManyErrors.DISCARD
        expected = (2, 0) if discarded else (10, 8)
        assert (outcome.counts.read, outcome.counts.skipped) == expected


async def test_rows_of_parquet_are_skipped_alike(context: ImportContext) -> None:
    columns = {
        "sensor": ["a"] * 4,
        "time": [f"2024-01-01T00:0{n}:00Z" for n in range(4)],
        "value": pa.array([-9999.0, float("nan"), None, 1.5]),
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    outcome = await run_import(context, buffer.getvalue(), ".parquet", LOGGER)
    assert outcome.counts == ImportCounts(read=4, inserted=1, skipped=3)


async def test_a_corrected_row_with_a_null_value_is_skipped(context: ImportContext) -> None:
    content = HEADER + "a,2024-01-01,-9999\na,2024-01-02,1\na,2024-01-03,-9999\n"
    import_id = await add_import(context.pool, context.storage, content, options=LOGGER)
    await run_import_job(context, import_id, 0)
    assert (await outcome_of(context.pool, import_id)).error_code == "no_valid_rows"
    corrected = {2: "a,2024-01-01T00:00Z,-9999", 3: "a,2024-01-02T00:00Z,1"}
    await add_resubmission(context.pool, context.storage, import_id, corrected)
    await run_import_job(context, import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.state == "done"
    assert outcome.counts == ImportCounts(read=3, inserted=1, skipped=1, rejected=1)
    assert [line for line, *_ in await rejects_of(context.storage, import_id, 1)] == [4]


def test_skipped_rows_are_nothing_to_warn_of() -> None:
    lines = [f"a,2024-01-01T00:00Z,{value}" for value in ("-9999", "NAN")]
    codes = [warning.code for warning in validated(*lines).warnings]
    assert codes == ["sentinel_value", "null_word"]
    assert validated(*lines, options=LOGGER).warnings == []
