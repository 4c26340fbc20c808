"""However a file is damaged, its import ends, and every row of it is counted.

`SENSORFLOW_FUZZ_FILES=2000 pytest tests/jobs/test_fuzz.py` runs so many files a test (default: 60),
beginning with number `SENSORFLOW_FUZZ_SEED`. A failure names the number of its file.
"""

import asyncio
import dataclasses
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from core.imports import ImportOptions
from core.readings import RejectCode
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.jobs.csv_model import UnreadableError, rows_in
from tests.jobs.load_model import Key, Row, load_row_by_row
from tests.jobs.mutations import mutated
from tests.jobs.option_files import option_file
from tests.jobs.option_model import rows_by_options
from tests.jobs.random_files import random_file
from tests.jobs.support import (
    DEFAULT,
    ImportCounts,
    Outcome,
    add_import,
    outcome_of,
    rejects_of,
    rows_of,
)

FILES = int(os.environ.get("SENSORFLOW_FUZZ_FILES", "60"))
FIRST_NUMBER = int(os.environ.get("SENSORFLOW_FUZZ_SEED", "0"))
TIMEOUT_SECONDS = 120
pytestmark = pytest.mark.timeout(300 + 5 * FILES)  # the default is for far fewer files

NOTHING_STORED = {
    "empty_file", "not_text", "missing_header", "ambiguous_header", "bad_compression",
    "no_valid_rows",
}  # fmt: skip

BY_OPTIONS = NOTHING_STORED | {"too_many_errors", "bad_parquet", "wrong_column_type"}

Table = Mapping[Key, float]
Attempt = Callable[[ImportContext, int, Table], Awaitable[tuple[str, Table]]]


async def test_every_damaged_file_ends_as_if_loaded_row_by_row(context: ImportContext) -> None:
    outcomes = await outcomes_of(context, import_and_check)
    if FILES >= 60:
        assert {"predicted done", "bad_compression", "missing_header"} <= outcomes.keys()


async def test_every_file_ends_whatever_its_format_and_options(
    context: ImportContext,
) -> None:
    outcomes = await outcomes_of(context, import_with_options_and_check)
    if FILES >= 60:
        assert {"predicted done", "bad_parquet", "too_many_errors", "done"} <= outcomes.keys()


async def test_every_file_ends_as_its_options_say(context: ImportContext) -> None:
    outcomes = await outcomes_of(context, import_by_options_and_check)
    if FILES >= 60:
        assert "predicted done" in outcomes


async def outcomes_of(context: ImportContext, attempt: Attempt) -> Counter[str]:
    """How the imports ended, one file after the other."""
    table: Table = {}
    outcomes: Counter[str] = Counter()
    for number in range(FIRST_NUMBER, FIRST_NUMBER + FILES):
        try:
            label, table = await attempt(context, number, table)
        except BaseException as error:
            error.add_note(f"file number {number}")
            raise
        outcomes[label] += 1
    print(dict(outcomes))  # noqa: T201  # seen with -s: how the imports ended
    return outcomes


async def import_and_check(context: ImportContext, number: int, before: Table) -> tuple[str, Table]:
    """How the import of the file ended, and the table after it."""
    random = Random(number)  # noqa: S311  # repeatable is what it must be
    content, extension = mutated(random)
    outcome, _ = await outcome_in_time(context, random.randint(1, 60), content, extension)
    after = await rows_of(context.pool)
    try:
        rows = rows_in(content, extension, datetime.now(UTC) + timedelta(days=1))
    except UnreadableError:
        assert outcome.error_code == "bad_compression"
        rows = None
    if rows is None or outcome.error_code in NOTHING_STORED - {"no_valid_rows"}:
        check_without_prediction(outcome, rows, before, after)
        return outcome.error_code or "done", after
    expected, counts = load_row_by_row(before, rows)
    assert (outcome.counts, after) == (counts, expected)
    assert outcome.state == ("failed" if counts.read == counts.rejected else "done")
    return f"predicted {outcome.state}", after


async def import_with_options_and_check(
    context: ImportContext, number: int, before: Table
) -> tuple[str, Table]:
    """How the import of the file ended, and the table after it."""
    random = Random(number)  # noqa: S311  # as above
    file = random_file(random)
    batch_lines = random.randint(1, 60)
    outcome, _ = await outcome_in_time(
        context, batch_lines, file.content, file.extension, file.options
    )
    after = await rows_of(context.pool)
    if file.rows is not None:
        expected, counts = load_row_by_row(before, file.rows, file.options.on_conflict)
        assert (outcome.counts, after) == (counts, expected)
        assert outcome.state == ("failed" if counts.read == counts.rejected else "done")
        return f"predicted {outcome.state}", after
    assert len(after) == len(before) + outcome.counts.inserted
    assert outcome.error_code in {None, *BY_OPTIONS}
    assert outcome.state == ("failed" if outcome.error_code else "done")
    if outcome.error_code in NOTHING_STORED | {"wrong_column_type"}:
        assert after == before
    return outcome.error_code or "done", after


async def import_by_options_and_check(
    context: ImportContext, number: int, before: Table
) -> tuple[str, Table]:
    """How the import of the file ended, which is always as predicted, and the table after it."""
    random = Random(number)  # noqa: S311  # as above
    file = option_file(random)
    rows = rows_by_options(file.text, file.options, datetime.now(UTC) + timedelta(days=1))
    batch_lines = random.randint(1, 60)
    outcome, bad_lines = await outcome_in_time(
        context, batch_lines, file.content, file.extension, file.options
    )
    after = await rows_of(context.pool)
    assert bad_lines == [number for number, row in rows if row.bad]
    expected, counts = load_row_by_row(before, [row for _, row in rows], file.options.on_conflict)
    assert (outcome.counts, after) == (counts, expected)
    assert outcome.error_code == ("no_valid_rows" if counts.read == counts.rejected else None)
    return f"predicted {outcome.state}", after


async def outcome_in_time(
    context: ImportContext,
    batch_lines: int,
    content: bytes,
    extension: str,
    options: ImportOptions = DEFAULT,
) -> tuple[Outcome, list[int]]:
    """The import's outcome, its rejects compared with its counts; the lines that are bad."""
    import_id = await add_import(context.pool, context.storage, content, extension, options)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await run_import_job(dataclasses.replace(context, batch_lines=batch_lines), import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    rejects = await rejects_of(context.storage, import_id)
    lines = [line for line, *_ in rejects]
    assert lines == sorted(lines)
    places = {(line, column if options.is_wide else "") for line, _, column, _ in rejects}
    assert len(places) == len(lines)
    assert len(lines) == outcome.counts.rejected
    return outcome, [line for line, code, *_ in rejects if code != RejectCode.CONFLICT]


def check_without_prediction(
    outcome: Outcome, rows: list[Row] | None, before: Table, after: Table
) -> None:
    counts = outcome.counts
    accepted = counts.inserted + counts.replaced + counts.unchanged + counts.skipped
    assert counts.read == accepted + counts.rejected
    assert outcome.state == ("failed" if accepted == 0 else "done")
    if outcome.state == "failed":
        assert outcome.error_code in NOTHING_STORED
        assert after == before
    assert rows is None or counts == ImportCounts()
    assert len(after) == len(before) + counts.inserted
