"""What a preview says of the first rows is what the import then does to them."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from core.import_previews import Outcome, Preview, PreviewRequest, RowOutcome
from core.imports import ImportOptions, OnTooManyErrors, Remedy
from core.readings import OnConflict, RejectCode
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.csv_import.preview.preview import preview_file
from tests.jobs.file_forms import FORMS, LINE_FORMS, ROWS, Form
from tests.jobs.load_model import Key
from tests.jobs.mutations import mutated
from tests.jobs.option_files import option_file
from tests.jobs.random_files import random_file
from tests.jobs.support import add_import, outcome_of, rejects_of, rows_of
from tests.jobs.test_fuzz import FILES, FIRST_NUMBER

File: TypeAlias = tuple[bytes, str, ImportOptions]
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AS_PREVIEWED = {"no_valid_rows", None}  # a preview says the former by its counts


def preview_of(folder: Path, file: File, *, is_cut: bool = False, detects: bool = False) -> Preview:
    content, extension, options = file
    path = folder / f"file{extension}"
    path.write_bytes(content)
    return preview_file(
        PreviewRequest(
            path=str(path),
            is_cut=is_cut,
            options=options,
            detects=detects,
            earliest=EARLIEST,
            max_future=timedelta(days=1),
        )
    )


def by_options(random: Random) -> File:
    file = option_file(random)
    return file.content, file.extension, file.options


def with_options(random: Random) -> File:
    file = random_file(random)
    return file.content, file.extension, file.options


def damaged(random: Random) -> File:
    return (*mutated(random), ImportOptions())


@pytest.mark.parametrize("make", [by_options, with_options, damaged])
async def test_a_preview_says_what_the_import_does(
    context: ImportContext, tmp_path: Path, make: Callable[[Random], File]
) -> None:
    ends: Counter[str] = Counter()
    for number in range(FIRST_NUMBER, FIRST_NUMBER + FILES // 4):
        content, extension, options = make(Random(number))  # noqa: S311  # repeatable
        as_counted = replace(
            options,
            max_errors=None,
            on_too_many_errors=OnTooManyErrors.DISCARD,
            on_conflict=OnConflict.REPLACE,
        )
        try:
            await check(context, tmp_path, (content, extension, as_counted), ends)
        except BaseException as error:
            error.add_note(f"file number {number}")
            raise
    assert ends["previewed"] > ends.total() // 3, ends


async def check(context: ImportContext, folder: Path, file: File, ends: Counter[str]) -> None:
    """Preview the file, import it and compare."""
    preview = preview_of(folder, file)
    before = await rows_of(context.pool)
    content, extension, options = file
    import_id = await add_import(context.pool, context.storage, content, extension, options)
    await run_import_job(context, import_id, 0)
    end = await outcome_of(context.pool, import_id)
    ends[end.error_code or "previewed"] += 1
    if preview.fault:
        assert end.error_code == preview.fault.code
        return
    assert end.error_code in AS_PREVIEWED
    counts, rejects = preview.counts, await rejects_of(context.storage, import_id)
    assert (counts.read, counts.skipped, counts.rejected) == (
        end.counts.read,
        end.counts.skipped,
        end.counts.rejected,
    )
    assert counts.readings == counts.read - counts.skipped - counts.rejected
    assert sum(group.count for group in preview.rejects) == counts.rejected
    shown = {line.line for line in preview.lines}
    assert sorted(rejected_in(preview)) == sorted(
        (line, code, column) for line, code, column, _ in rejects if line in shown
    )
    await check_readings(context, preview, before)


def outcomes_in(preview: Preview) -> list[RowOutcome]:
    return list(chain.from_iterable(line.outcomes for line in preview.lines))


def is_reading(outcome: RowOutcome) -> bool:
    return outcome.outcome is Outcome.READING


def reading(outcome: RowOutcome) -> tuple[Key, float]:
    assert outcome.equipment_id is not None
    assert outcome.timestamp is not None
    assert outcome.value is not None
    return (outcome.equipment_id, outcome.timestamp.isoformat()), outcome.value


def rejected_in(preview: Preview) -> list[tuple[int, str, str]]:
    return [
        (line.line, str(each.code), each.column)
        for line in preview.lines
        for each in line.outcomes
        if each.outcome is Outcome.REJECTED
    ]


async def check_readings(
    context: ImportContext, preview: Preview, before: dict[Key, float]
) -> None:
    """Every previewed reading is stored, with its value unless a later row has replaced that."""
    stored = await rows_of(context.pool)
    readings = dict(map(reading, filter(is_reading, outcomes_in(preview))))
    assert readings.keys() <= stored.keys()
    if len(outcomes_in(preview)) == preview.counts.read:
        assert stored == before | readings


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_in_whatever_form_a_file_comes_its_rows_are_previewed(tmp_path: Path, form: Form) -> None:
    preview = preview_of(tmp_path, (form.content(ROWS), form.extension, form.options))
    assert preview.fault is None
    assert [line.line for line in preview.lines] == form.numbers
    outcomes = outcomes_in(preview)
    for row, outcome in zip(ROWS, outcomes, strict=True):
        if row.bad:
            assert outcome.code is RejectCode.BAD_NUMBER
        else:
            assert reading(outcome) == (row.key, row.value)
    assert preview.table is not None
    assert set(preview.table.mapping.values()) <= set(preview.table.columns)


@pytest.mark.parametrize("form", LINE_FORMS.values(), ids=LINE_FORMS.keys())
def test_the_lines_above_the_rows_and_that_of_the_names_are_shown(
    tmp_path: Path, form: Form
) -> None:
    preview = preview_of(tmp_path, (form.content(ROWS), form.extension, form.options))
    table = preview.table
    assert table is not None
    above = [line.line for line in preview.above]
    assert above == list(range(1, len(above) + 1))
    assert not above or above[-1] < form.numbers[0]
    if table.header_line is not None:
        names = next(line for line in preview.above if line.line == table.header_line).cells
        assert names == table.columns
        assert set(table.mapping.values()) <= set(names)


def test_the_warnings_and_hints_of_the_whole_sample_are_there(tmp_path: Path) -> None:
    rows = "".join(f"a,179349{n:04},{n},5\n" for n in range(1200, 1300))
    content = f"sensor,time,value,decimals\n{rows}".encode()
    preview = preview_of(tmp_path, (content, ".csv", ImportOptions()))
    assert (preview.counts.read, preview.counts.rejected) == (100, 100)
    assert [(hint.column, hint.remedies) for hint in preview.column_hints] == [
        ("timestamp", [Remedy("timeFormat", "epoch_s")])
    ]
    (rejects,) = preview.rejects
    assert (rejects.code, rejects.count, rejects.lines) == ("bad_timestamp", 100, [2, 3, 4, 5, 6])
    assert rejects.remedies == [Remedy("timeFormat", "epoch_s")]
