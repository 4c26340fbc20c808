"""What rows look like is warned of with counts and lines, once each, and refuses nothing."""

import dataclasses
from unittest.mock import Mock
from uuid import UUID

import msgspec
import pytest
from pgqueuer.domain.errors import RetryRequested

from core.errors import StorageError
from core.import_transitions import apply
from core.imports import DecimalMark, Delimiter, ImportOptions, OnTooManyErrors, Transition
from core.row_warnings import SENTENCES, RowWarning, WarningCode, merge_warnings
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.jobs.support import HEADER, add_import, outcome_of, rows_of
from tests.jobs.test_dry_run import forecast_of
from tests.jobs.test_import_attempts import StorageThat
from tests.jobs.test_rejects_resubmission import resubmitted
from tests.jobs.test_validation import TS, validated

POINT = ImportOptions(delimiter=Delimiter.SEMICOLON)
COMMA = ImportOptions(delimiter=Delimiter.SEMICOLON, decimal=DecimalMark.COMMA)


@pytest.mark.parametrize(
    ("equipment_id", "code"),
    [
        ("1.23457E+11", "scientific_id"), ("1,23457E+11", "scientific_id"),
        ("1E+15", "scientific_id"), ("1.5e+105", "scientific_id"),
        ('="00123"', "formula_id"), ("=A1", "formula_id"),
        ("1-Mar", "date_id"), ("01. Mrz", "date_id"), ("Mar-01", "date_id"), ("2-Dez", "date_id"),
        ("00123", None), ("1.5", None), ("12E+11", None), ("1E5", None), ("E+11", None),
        ("pump-1E+11", None), ("a=1", None), ("MAR1", None), ("MAR-01", None),
        ("1-Marseille", None), ("a 1-Mar", None), ("ä", None), ("-17", None),
    ],
)  # fmt: skip
def test_an_id_that_a_spreadsheet_has_changed_is_stored_with_a_warning(
    equipment_id: str, code: str | None
) -> None:
    quoted = equipment_id.replace('"', '""')
    batch = validated(f"a,{TS},1", f'"{quoted}",{TS},1')
    assert batch.readings["equipment_id"].to_list() == ["a", equipment_id]
    assert warned(batch.warnings) == ([(code, 1, [3])] if code else [])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("-9999", "sentinel_value"), ("-9999.00", "sentinel_value"), ("-999.9", "sentinel_value"),
        ("-99999", "sentinel_value"), ("-999", None), ("9999", None), ("-9998", None),
        ("21,5", "other_decimal_mark"), ("-,5", "other_decimal_mark"),
        ("1.234,5", "other_decimal_mark"), ("1.234.567,5", "other_decimal_mark"),
        ("1,234.5", "thousands_mark"), ("1,234,567", "thousands_mark"),
        ("1 234,5", "thousands_mark"), ("1'234.5", "thousands_mark"),
        ("1\u202f234", "thousands_mark"),
        ("NAN", "null_word"), ("null", "null_word"), ("NA", "null_word"), ("n/a", "null_word"),
        ("---", "null_word"), ("#N/A", "null_word"), ("#DIV/0!", "null_word"),
        ("########", "null_word"),
        ("1.234", None), ("21.5", None), ("x", None), ("", None), ("1.2.3", None), ("inf", None),
        ("21,", None), ("1.23,4", None), ("12,34,5", None), ("nano", None), ("--1", None),
    ],
)  # fmt: skip
def test_a_value_that_is_likely_meant_otherwise_is_warned_of(value: str, code: str | None) -> None:
    batch = validated(f"a;{TS};1", f"a;{TS};{value}", f"a;{TS}", options=POINT)
    assert warned(batch.warnings) == ([(code, 1, [3])] if code else [])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1.234", "other_decimal_mark"), ("21.5", "other_decimal_mark"),
        ("1,234.5", "other_decimal_mark"), ("1.234,5", "thousands_mark"),
        ("1.234.567", "thousands_mark"), ("21,5", None), ("22", None), ("x.5", None),
    ],
)  # fmt: skip
def test_the_other_mark_is_the_one_that_decimal_does_not_say(value: str, code: str | None) -> None:
    batch = validated(f"a;{TS};{value}", options=COMMA)
    assert warned(batch.warnings) == ([(code, 1, [2])] if code else [])


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [("45962.5", "serial_date"), ("45962", "serial_date"), ("1793491200", None), ("1.11.26", None)],
)
def test_a_count_of_days_is_warned_of(timestamp: str, code: str | None) -> None:
    batch = validated(f"a,{timestamp},1")
    assert warned(batch.warnings) == ([(code, 1, [2])] if code else [])


FILE = (
    "sensor;time;value\n"
    '"=""00123""";2026-11-01T00:00:00Z;1.234,5\n'
    '"=""00123""";2026-11-01T00:01:00Z;1.234\n'
    "1.23457E+11;2026-11-01T00:02:00Z;1\n"
    + "".join(f"1.23457E+11;2026-11-01T01:{minute:02}:00Z;{minute},5\n" for minute in range(9))
    + "1.23457E+11;2026-11-01T02:00:00Z;-9999\n"
    "t27;45962.5;1\n"
    "1.23457E+11;2026-11-01T03:00:00Z;2\n"
)
FOUND = [
    ("scientific_id", 3, [4, 14, 16]),
    ("formula_id", 1, [3]),
    ("sentinel_value", 1, [14]),
    ("other_decimal_mark", 10, [2, 5, 6, 7, 8]),
    ("serial_date", 1, [15]),
]


@pytest.mark.parametrize("batch_lines", [1, 2, 5, 100])
async def test_the_warnings_of_a_file_are_the_same_however_it_is_cut_into_batches(
    context: ImportContext, batch_lines: int
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    await run_import_job(dataclasses.replace(context, batch_lines=batch_lines), import_id, 0)
    assert (await outcome_of(context.pool, import_id)).state == "done"
    assert await warnings_of(context, import_id) == FOUND
    stored = await rows_of(context.pool)
    assert stored['="00123"', "2026-11-01T00:01:00+00:00"] == 1.234
    assert len(stored) == 4


async def test_a_dry_run_has_the_warnings_of_the_import(context: ImportContext) -> None:
    small = dataclasses.replace(context, batch_lines=2)
    warnings = (await forecast_of(small, FILE)).warnings
    assert [(each.code, each.count, each.lines) for each in warnings] == FOUND
    assert [each.message for each in warnings] == [SENTENCES[each.code] for each in warnings]


async def test_attempts_that_fail_and_are_repeated_warn_of_each_row_once(
    context: ImportContext,
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    for puts in (2, 0, 3):
        faults = Mock(side_effect=[*[None] * puts, *[StorageError("away")] * 9])
        storage = StorageThat(context.storage, faults)
        failing = dataclasses.replace(context, batch_lines=1, storage=storage)
        with pytest.raises(RetryRequested):
            await run_import_job(failing, import_id, 0)
    assert 0 < (await outcome_of(context.pool, import_id)).lines_done < 14
    await run_import_job(context, import_id, 0)
    assert await warnings_of(context, import_id) == FOUND


async def test_a_file_that_is_discarded_has_its_warnings_and_a_retry_has_them_once(
    context: ImportContext,
) -> None:
    context = dataclasses.replace(context, batch_lines=4)
    options = ImportOptions(max_errors=3, on_too_many_errors=OnTooManyErrors.DISCARD)
    import_id = await add_import(context.pool, context.storage, FILE, options=options)
    for _ in range(2):
        await run_import_job(context, import_id, 0)
        assert (await outcome_of(context.pool, import_id)).error_code == "too_many_errors"
        assert await warnings_of(context, import_id) == FOUND
        await apply(Transition.RETRY, context.pool, import_id=import_id)
    assert await rows_of(context.pool) == {}


async def test_corrected_rows_add_warnings_of_what_is_stored_with_them(
    context: ImportContext,
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    context = dataclasses.replace(context, batch_lines=3)
    await run_import_job(context, import_id, 0)
    # Line 2 is stored now, line 5 is still a number written otherwise, line 15 is right.
    corrected = {
        2: '"=""00123""";2026-11-01T00:00:00Z;1234.5',
        5: "t27;2026-11-01T01:00:00Z;0,25",
        15: "t27;2026-11-01T02:00:00Z;1",
    }
    with_corrected = [
        ("formula_id", 2, [2, 3]) if each[0] == "formula_id" else each for each in FOUND
    ]
    for _ in range(2):
        await resubmitted(context, import_id, corrected)
        assert (await outcome_of(context.pool, import_id)).state == "done"
        assert await warnings_of(context, import_id) == with_corrected


async def test_a_file_as_it_should_be_has_no_warnings(context: ImportContext) -> None:
    content = HEADER + f"a,{TS},1.234\n17,{TS},-1e3\n"
    import_id = await add_import(context.pool, context.storage, content)
    await run_import_job(context, import_id, 0)
    assert await warnings_of(context, import_id) == []


def test_merged_warnings_count_all_rows_and_have_the_first_lines() -> None:
    later = [RowWarning(WarningCode.FORMULA_ID, 9, [7, 8, 9])]
    earlier = [
        RowWarning(WarningCode.FORMULA_ID, 3, [4, 5, 6]),
        RowWarning(WarningCode.SCIENTIFIC_ID, 1, [6]),
    ]
    assert warned(merge_warnings(earlier, later)) == [
        ("scientific_id", 1, [6]),
        ("formula_id", 12, [4, 5, 6, 7, 8]),
    ]


def test_every_warning_says_what_to_do() -> None:
    assert SENTENCES.keys() == set(WarningCode)


def warned(warnings: list[RowWarning]) -> list[tuple[str, int, list[int]]]:
    return [(warning.code, warning.count, warning.lines) for warning in warnings]


async def warnings_of(context: ImportContext, import_id: UUID) -> list[tuple[str, int, list[int]]]:
    stored = await context.pool.fetchval("SELECT warnings FROM imports WHERE id = $1", import_id)
    return warned(msgspec.json.decode(stored, type=list[RowWarning]))
