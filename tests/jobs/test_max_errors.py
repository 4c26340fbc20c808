"""A file with more errors than its sender allows fails, and leaves nothing or what was loaded."""

import dataclasses
from uuid import UUID

import pytest

from core.database import Pool
from core.imports import ImportOptions, OnTooManyErrors
from jobs.csv_import.context import ImportWork
from jobs.csv_import.job import run_import_job
from tests.jobs.support import (
    HEADER,
    Account,
    Outcome,
    add_import,
    outcome_of,
    rejects_of,
    rolled_up,
    rows_of,
)

KEEP = OnTooManyErrors.KEEP

# Twenty rows; every fourth, four in all from line 5 to line 17, is bad.
ROWS = [f"a,2024-01-01T{n:02}:00:00Z,{'x' if n % 4 == 3 and n < 16 else n}\n" for n in range(20)]
FILE = HEADER + "".join(ROWS)
BAD_LINES = [5, 9, 13, 17]


@pytest.fixture
def work(work: ImportWork) -> ImportWork:
    """A worker that takes FILE in batches of four rows, each but the last with one error."""
    return dataclasses.replace(work, batch_lines=4)


async def imported(work: ImportWork, options: ImportOptions) -> tuple[UUID, Outcome]:
    import_id = await add_import(work.pool, work.storage, FILE, options=options)
    await run_import_job(work, import_id, 0)
    return import_id, await outcome_of(work.pool, import_id)


async def bad_lines(work: ImportWork, import_id: UUID) -> list[int]:
    return [line for line, *_ in await rejects_of(work.storage, import_id)]


@pytest.mark.parametrize("max_errors", [0, 3, "19.999999%", "0%"])
async def test_past_the_limit_nothing_is_stored_and_every_error_is_told(
    work: ImportWork, max_errors: int | str
) -> None:
    import_id, outcome = await imported(work, ImportOptions(max_errors=max_errors))
    assert (outcome.state, outcome.error_code) == ("failed", "too_many_errors")
    assert f"4 of 20 rows were rejected; maxErrors allows {max_errors}." in outcome.error_message
    assert outcome.account == Account(read=4, rejected=4)
    assert await bad_lines(work, import_id) == BAD_LINES
    assert await rows_of(work.pool) == {}
    assert await work.pool.fetchval("SELECT count(*) FROM rollup_dirty_ranges") == 0


@pytest.mark.parametrize("max_errors", [4, 1000, "20%", "100%"])
@pytest.mark.parametrize("then", OnTooManyErrors)
async def test_up_to_the_limit_the_file_is_loaded(
    work: ImportWork, max_errors: int | str, then: OnTooManyErrors
) -> None:
    options = ImportOptions(max_errors=max_errors, on_too_many_errors=then)
    import_id, outcome = await imported(work, options)
    assert (outcome.state, outcome.account) == ("done", Account(20, inserted=16, rejected=4))
    assert await bad_lines(work, import_id) == BAD_LINES


async def test_a_counted_limit_ends_the_load_after_the_batch_that_passes_it(
    work: ImportWork,
) -> None:
    options = ImportOptions(max_errors=1, on_too_many_errors=KEEP)
    import_id, outcome = await imported(work, options)
    assert (outcome.state, outcome.error_code) == ("failed", "too_many_errors")
    assert "2 of 8 rows were rejected" in outcome.error_message
    assert outcome.account == Account(read=8, inserted=6, rejected=2)
    assert await bad_lines(work, import_id) == BAD_LINES[:2]
    assert len(await rows_of(work.pool)) == 6


async def test_a_percentage_is_of_the_whole_file_wherever_its_errors_are(work: ImportWork) -> None:
    options = ImportOptions(max_errors="19%", on_too_many_errors=KEEP)
    _, outcome = await imported(work, options)
    assert (outcome.state, outcome.error_code) == ("failed", "too_many_errors")
    assert outcome.account == Account(read=20, inserted=16, rejected=4)
    assert len(await rows_of(work.pool)) == await rolled_up(work.pool) == 16


@pytest.mark.parametrize("then", OnTooManyErrors)
async def test_a_retry_comes_to_the_same_end(work: ImportWork, then: OnTooManyErrors) -> None:
    options = ImportOptions(max_errors=1, on_too_many_errors=then)
    import_id, before = await imported(work, options)
    await work.pool.execute(
        "UPDATE imports SET state = 'queued', error_code = NULL, error_message = NULL"
    )
    await run_import_job(work, import_id, 0)
    again = await outcome_of(work.pool, import_id)
    assert again == dataclasses.replace(before, attempt=2)


async def test_a_load_that_goes_on_is_not_judged_again(work: ImportWork, pool: Pool) -> None:
    """Else a moved retention horizon could discard a file half of which is stored."""
    options = ImportOptions(max_errors=4)
    import_id = await add_import(work.pool, work.storage, FILE, options=options)
    claim = await work.imports.claim(import_id)
    assert claim is not None
    await work.pool.execute("UPDATE imports SET lines_done = 5")
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ('2024-01-01T10:00Z')")
    await run_import_job(work, import_id, 0)
    assert (await outcome_of(work.pool, import_id)).state == "done"


async def test_a_file_without_a_good_row_is_told_so_where_errors_are_allowed(
    work: ImportWork,
) -> None:
    content = HEADER + "a,b,c\n"
    import_id = await add_import(
        work.pool, work.storage, content, options=ImportOptions(max_errors="100%")
    )
    await run_import_job(work, import_id, 0)
    assert (await outcome_of(work.pool, import_id)).error_code == "no_valid_rows"
