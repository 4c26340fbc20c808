"""A file with more errors than its sender allows fails, and leaves nothing or what was loaded."""

import dataclasses
from uuid import UUID

import pytest

from core.database import Pool
from core.imports import ImportOptions, OnTooManyErrors
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.jobs.support import (
    HEADER,
    ImportCounts,
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
def context(context: ImportContext) -> ImportContext:
    """A worker that takes FILE in batches of four rows, each but the last with one error."""
    return dataclasses.replace(context, batch_lines=4)


async def imported(context: ImportContext, options: ImportOptions) -> tuple[UUID, Outcome]:
    import_id = await add_import(context.pool, context.storage, FILE, options=options)
    await run_import_job(context, import_id, 0)
    return import_id, await outcome_of(context.pool, import_id)


async def bad_lines(context: ImportContext, import_id: UUID) -> list[int]:
    return [line for line, *_ in await rejects_of(context.storage, import_id)]


@pytest.mark.parametrize("max_errors", [0, 3, "19.999999%", "0%"])
async def test_past_the_limit_nothing_is_stored_and_every_error_is_reported(
    context: ImportContext, max_errors: int | str
) -> None:
    import_id, outcome = await imported(context, ImportOptions(max_errors=max_errors))
    assert (outcome.state, outcome.error_code) == ("failed", "too_many_errors")
    assert f"4 of 20 rows were rejected; maxErrors allows {max_errors}." in outcome.error_message
    assert outcome.counts == ImportCounts(read=4, rejected=4)
    assert await bad_lines(context, import_id) == BAD_LINES
    assert await rows_of(context.pool) == {}
    assert await context.pool.fetchval("SELECT count(*) FROM rollup_dirty_ranges") == 0


@pytest.mark.parametrize("max_errors", [4, 1000, "20%", "100%"])
@pytest.mark.parametrize("then", OnTooManyErrors)
async def test_up_to_the_limit_the_file_is_loaded(
    context: ImportContext, max_errors: int | str, then: OnTooManyErrors
) -> None:
    options = ImportOptions(max_errors=max_errors, on_too_many_errors=then)
    import_id, outcome = await imported(context, options)
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(20, inserted=16, rejected=4))
    assert await bad_lines(context, import_id) == BAD_LINES


async def test_a_counted_limit_ends_the_load_after_the_batch_that_passes_it(
    context: ImportContext,
) -> None:
    options = ImportOptions(max_errors=1, on_too_many_errors=KEEP)
    import_id, outcome = await imported(context, options)
    assert (outcome.state, outcome.error_code) == ("failed", "too_many_errors")
    assert "2 of 8 rows were rejected" in outcome.error_message
    assert outcome.counts == ImportCounts(read=8, inserted=6, rejected=2)
    assert await bad_lines(context, import_id) == BAD_LINES[:2]
    assert len(await rows_of(context.pool)) == 6


async def test_a_percentage_is_of_the_whole_file_wherever_its_errors_are(
    context: ImportContext,
) -> None:
    options = ImportOptions(max_errors="19%", on_too_many_errors=KEEP)
    _, outcome = await imported(context, options)
    assert (outcome.state, outcome.error_code) == ("failed", "too_many_errors")
    assert outcome.counts == ImportCounts(read=20, inserted=16, rejected=4)
    assert len(await rows_of(context.pool)) == await rolled_up(context.pool) == 16


@pytest.mark.parametrize("then", OnTooManyErrors)
async def test_a_retry_has_the_same_outcome(context: ImportContext, then: OnTooManyErrors) -> None:
    options = ImportOptions(max_errors=1, on_too_many_errors=then)
    import_id, before = await imported(context, options)
    await context.pool.execute(
        "UPDATE imports SET state = 'queued', error_code = NULL, error_message = NULL"
    )
    await run_import_job(context, import_id, 0)
    again = await outcome_of(context.pool, import_id)
    assert again == dataclasses.replace(before, attempt=2)


async def test_a_load_that_is_continued_is_not_validated_as_a_whole_again(
    context: ImportContext, pool: Pool
) -> None:
    """Else a moved retention horizon could discard a file half of which is stored."""
    options = ImportOptions(max_errors=4)
    import_id = await add_import(context.pool, context.storage, FILE, options=options)
    claim = await context.imports.claim(import_id)
    assert claim is not None
    await context.pool.execute("UPDATE imports SET lines_done = 5")
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ('2024-01-01T10:00Z')")
    await run_import_job(context, import_id, 0)
    assert (await outcome_of(context.pool, import_id)).state == "done"


async def test_a_file_without_a_valid_row_fails_as_such_where_errors_are_allowed(
    context: ImportContext,
) -> None:
    content = HEADER + "a,b,c\n"
    import_id = await add_import(
        context.pool, context.storage, content, options=ImportOptions(max_errors="100%")
    )
    await run_import_job(context, import_id, 0)
    assert (await outcome_of(context.pool, import_id)).error_code == "no_valid_rows"
