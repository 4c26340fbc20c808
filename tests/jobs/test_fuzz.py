"""Whatever is done to a file, its import ends, and every row of it is accounted for.

`SENSORFLOW_FUZZ_FILES=2000 pytest tests/jobs/test_fuzz.py` tries so many files a test (60 if not
said), `SENSORFLOW_FUZZ_SEED` from which number on. A failure tells the number of its file.
"""

import asyncio
import dataclasses
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random

from core.imports import ImportOptions
from jobs.csv_import.context import ImportWork
from jobs.csv_import.job import run_import_job
from tests.jobs.file_model import UnreadableError, rows_in
from tests.jobs.model import Key, Row, load_row_by_row
from tests.jobs.mutations import mutated
from tests.jobs.support import (
    DEFAULT,
    Account,
    Outcome,
    add_import,
    outcome_of,
    rejects_of,
    rows_of,
)
from tests.jobs.written import written

FILES = int(os.environ.get("SENSORFLOW_FUZZ_FILES", "60"))
FIRST = int(os.environ.get("SENSORFLOW_FUZZ_SEED", "0"))
LONGEST_SECONDS = 120
NOTHING_STORED = {
    "empty_file", "not_text", "missing_header", "ambiguous_header", "bad_compression",
    "no_valid_rows",
}  # fmt: skip

BY_OPTIONS = NOTHING_STORED | {"too_many_errors", "bad_parquet", "wrong_column_type"}

Table = Mapping[Key, float]
Attempt = Callable[[ImportWork, int, Table], Awaitable[tuple[str, Table]]]


async def test_every_damaged_file_ends_as_if_loaded_row_by_row(work: ImportWork) -> None:
    ends = await ends_of(work, import_and_check)
    if FILES >= 60:
        assert {"predicted done", "bad_compression", "missing_header"} <= ends.keys()


async def test_every_file_ends_however_its_options_say_that_it_is_written(work: ImportWork) -> None:
    ends = await ends_of(work, import_as_written_and_check)
    if FILES >= 60:
        assert {"predicted done", "bad_parquet", "too_many_errors", "done"} <= ends.keys()


async def ends_of(work: ImportWork, attempt: Attempt) -> Counter[str]:
    """What the files came to, one imported after the other."""
    table: Table = {}
    ends: Counter[str] = Counter()
    for number in range(FIRST, FIRST + FILES):
        try:
            end, table = await attempt(work, number, table)
        except BaseException as error:
            error.add_note(f"file number {number}")
            raise
        ends[end] += 1
    print(dict(ends))  # noqa: T201  # seen with -s: what the files came to
    return ends


async def import_and_check(work: ImportWork, number: int, before: Table) -> tuple[str, Table]:
    """How the import of the file ended, and the table after it."""
    random = Random(number)  # noqa: S311  # repeatable is what it must be
    content, extension = mutated(random)
    outcome = await outcome_in_time(work, random.randint(1, 60), content, extension)
    after = await rows_of(work.pool)
    try:
        rows = rows_in(content, extension, datetime.now(UTC) + timedelta(days=1))
    except UnreadableError:
        assert outcome.error_code == "bad_compression"
        rows = None
    if rows is None or outcome.error_code in NOTHING_STORED - {"no_valid_rows"}:
        check_without_prediction(outcome, rows, before, after)
        return outcome.error_code or "done", after
    expected, account = load_row_by_row(before, rows)
    assert (outcome.account, after) == (account, expected)
    assert outcome.state == ("failed" if account.read == account.rejected else "done")
    return f"predicted {outcome.state}", after


async def import_as_written_and_check(
    work: ImportWork, number: int, before: Table
) -> tuple[str, Table]:
    """How the import of the file ended, and the table after it."""
    random = Random(number)  # noqa: S311  # as above
    file = written(random)
    batch_lines = random.randint(1, 60)
    outcome = await outcome_in_time(work, batch_lines, file.content, file.extension, file.options)
    after = await rows_of(work.pool)
    if file.rows is not None:
        expected, account = load_row_by_row(before, file.rows, file.options.on_conflict)
        assert (outcome.account, after) == (account, expected)
        assert outcome.state == ("failed" if account.read == account.rejected else "done")
        return f"predicted {outcome.state}", after
    assert len(after) == len(before) + outcome.account.inserted
    assert outcome.error_code in {None, *BY_OPTIONS}
    assert outcome.state == ("failed" if outcome.error_code else "done")
    if outcome.error_code in NOTHING_STORED | {"wrong_column_type"}:
        assert after == before
    return outcome.error_code or "done", after


async def outcome_in_time(
    work: ImportWork,
    batch_lines: int,
    content: bytes,
    extension: str,
    options: ImportOptions = DEFAULT,
) -> Outcome:
    """The import's end, its rejects compared with its account."""
    import_id = await add_import(work.pool, work.storage, content, extension, options)
    async with asyncio.timeout(LONGEST_SECONDS):
        await run_import_job(dataclasses.replace(work, batch_lines=batch_lines), import_id, 0)
    outcome = await outcome_of(work.pool, import_id)
    lines = [line for line, *_ in await rejects_of(work.storage, import_id)]
    assert lines == sorted(set(lines))
    assert len(lines) == outcome.account.rejected
    return outcome


def check_without_prediction(
    outcome: Outcome, rows: list[Row] | None, before: Table, after: Table
) -> None:
    account = outcome.account
    kept = account.inserted + account.replaced + account.unchanged
    assert account.read == kept + account.rejected
    assert outcome.state == ("failed" if kept == 0 else "done")
    if outcome.state == "failed":
        assert outcome.error_code in NOTHING_STORED
        assert after == before
    assert rows is None or account == Account()
    assert len(after) == len(before) + account.inserted
