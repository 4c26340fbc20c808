"""A row that differs from the stored value replaces it, is skipped, or is an error, by option."""

import dataclasses

import pytest

from core.database import Pool
from core.imports import ImportOptions, OnTooManyErrors
from core.readings import OnConflict
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.jobs.support import (
    HEADER,
    ImportCounts,
    add_import,
    outcome_of,
    rejects_of,
    rolled_up,
    rows_of,
    run_import,
)

STORED = HEADER + "".join(f"a,2024-01-01T0{n}:00:00Z,1\n" for n in range(3))
# What is stored already, another value for it, the first again, a bad row, two values of a new key.
FILE = f"""{HEADER}a,2024-01-01T00:00:00Z,1
a,2024-01-01T01:00:00Z,2
a,2024-01-01T01:00:00Z,1
a,2024-01-01T02:00:00Z,x

b,2024-01-01T00:00:00Z,5
b,2024-01-01T00:00:00Z,"6"
b,2024-01-01T00:00:00Z,5
"""
BAD = (5, "bad_number", "value", "a,2024-01-01T02:00:00Z,x")


@pytest.mark.parametrize("batch_lines", [1, 2, 1000])
@pytest.mark.parametrize("compressed", [False, True])
async def test_stored_values_stay_where_conflicts_are_errors_and_each_is_reported_by_its_line(
    context: ImportContext, pool: Pool, batch_lines: int, compressed: bool
) -> None:
    await run_import(context, STORED)
    if compressed:
        await pool.execute("SELECT compress_chunk(chunk) FROM show_chunks('readings') chunk")
    options = ImportOptions(on_conflict=OnConflict.ERROR)
    import_id = await add_import(context.pool, context.storage, FILE, options=options)
    await run_import_job(dataclasses.replace(context, batch_lines=batch_lines), import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.counts == ImportCounts(read=7, inserted=1, unchanged=3, rejected=3)
    assert await rejects_of(context.storage, import_id) == [
        (3, "conflict", "value", "a,2024-01-01T01:00:00Z,2"),
        BAD,
        (8, "conflict", "value", 'b,2024-01-01T00:00:00Z,"6"'),
    ]
    assert sorted((await rows_of(context.pool)).values()) == [1, 1, 1, 5]
    assert await rolled_up(context.pool) == 4


@pytest.mark.parametrize("batch_lines", [1, 2, 1000])
async def test_stored_values_stay_where_conflicts_are_skipped_and_count_as_unchanged(
    context: ImportContext, batch_lines: int
) -> None:
    await run_import(context, STORED)
    options = ImportOptions(on_conflict=OnConflict.SKIP)
    import_id = await add_import(context.pool, context.storage, FILE, options=options)
    await run_import_job(dataclasses.replace(context, batch_lines=batch_lines), import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.counts == ImportCounts(read=7, inserted=1, unchanged=5, rejected=1)
    assert await rejects_of(context.storage, import_id) == [BAD]
    assert sorted((await rows_of(context.pool)).values()) == [1, 1, 1, 5]


async def test_an_import_of_nothing_but_conflicts_fails_and_touches_no_rollup(
    context: ImportContext,
) -> None:
    await run_import(context, STORED)
    options = ImportOptions(on_conflict=OnConflict.ERROR)
    outcome = await run_import(context, STORED.replace(",1\n", ",2\n"), options=options)
    assert (outcome.state, outcome.error_code) == ("failed", "no_valid_rows")
    assert "line 2: conflict in value" in outcome.error_message
    assert outcome.counts == ImportCounts(read=3, rejected=3)
    assert await context.pool.fetchval("SELECT count(*) FROM rollup_dirty_ranges") == 0


@pytest.mark.parametrize(
    ("then", "state"), [(OnTooManyErrors.DISCARD, "done"), (OnTooManyErrors.KEEP, "failed")]
)
async def test_conflicts_are_counted_as_errors_only_where_what_is_loaded_is_kept(
    context: ImportContext, then: OnTooManyErrors, state: str
) -> None:
    await run_import(context, STORED)
    options = ImportOptions(max_errors=1, on_too_many_errors=then, on_conflict=OnConflict.ERROR)
    outcome = await run_import(context, FILE, options=options)
    assert outcome.state == state
    assert outcome.counts == ImportCounts(read=7, inserted=1, unchanged=3, rejected=3)
