"""Rejected rows resubmitted with corrections: the counts add up, whatever happens meanwhile."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest
from pgqueuer.domain.errors import RetryRequested

from api.imports.rejects_file import RejectKey, encode_corrected_rows
from core.database import Pool
from core.errors import StorageError
from core.imports import ImportOptions
from core.queue import enqueue_import
from core.readings import OnConflict
from core.settings import StorageSettings
from core.storage import Storage, corrections_key, rejects_folder
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.maintenance.orphaned_objects import delete_orphaned_objects
from tests.jobs.support import (
    DEFAULT,
    HEADER,
    ImportCounts,
    add_import,
    outcome_of,
    rejects_of,
    rolled_up,
    rows_of,
)
from tests.jobs.test_import_attempts import StorageThat
from tests.jobs.test_orphaned_objects import make_old

# Four batches of three rows, the last one of two; the second row of each is bad, and the last.
BATCH = "a,2024-01-01T0{0}:00:00Z,1\nb,2024-01-01T0{0}:00:00Z,x\na,2024-01-01T0{0}:30:00Z,{0}\n"
FILE = HEADER + "".join(BATCH.format(number) for number in range(3)) + "a,,1\nb,,x\n"
BAD = [3, 6, 9, 11, 12]
BEFORE = ImportCounts(read=11, inserted=6, rejected=5)

# Line 3 is right now, line 6 repeats a stored key, line 9 is bad in another way; 11 is left out.
CORRECTED = {
    3: "b,2024-01-01T00:00:00Z,5",
    6: "a,2024-01-01T01:00:00Z,7",
    9: "b,no time,1",
    12: "b,2024-01-01T09:00:00Z,1",
}
AFTER = ImportCounts(read=11, inserted=8, replaced=1, rejected=2)
STILL_BAD = [
    (9, "bad_timestamp", "timestamp", "b,no time,1"),
    (11, "missing_value", "timestamp", "a,,1"),
]


async def imported(
    context: ImportContext,
    content: str | bytes = FILE,
    extension: str = ".csv",
    options: ImportOptions = DEFAULT,
) -> UUID:
    import_id = await add_import(context.pool, context.storage, content, extension, options)
    await run_import_job(dataclasses.replace(context, batch_lines=3), import_id, 0)
    return import_id


async def add_resubmission(
    pool: Pool, storage: Storage, import_id: UUID, rows: Mapping[int, str] | Mapping[RejectKey, str]
) -> None:
    """Store corrected rows and queue their import, as the API does."""
    key = corrections_key(import_id, uuid4())
    keyed = {
        line if isinstance(line, RejectKey) else RejectKey(line): row for line, row in rows.items()
    }
    by_cell = any(isinstance(line, RejectKey) for line in rows)
    await storage.put(key, encode_corrected_rows(keyed, by_cell=by_cell))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "UPDATE imports SET state = 'queued', tries = 0, error_code = NULL, "
            "error_message = NULL, repairing = true, repair_key = $2, repair_at = now(), "
            "repair_lines_done = 0 WHERE id = $1",
            import_id,
            key,
        )
        await enqueue_import(connection, import_id)


async def resubmitted(context: ImportContext, import_id: UUID, rows: dict[int, str]) -> None:
    await add_resubmission(context.pool, context.storage, import_id, rows)
    await run_import_job(context, import_id, 0)


async def current_rejects(
    context: ImportContext, import_id: UUID
) -> list[tuple[int, str, str, str]]:
    generation = await context.pool.fetchval("SELECT rejects_generation FROM imports")
    return await rejects_of(context.storage, import_id, generation)


async def assert_resubmitted(context: ImportContext, import_id: UUID) -> None:
    outcome = await outcome_of(context.pool, import_id)
    assert (outcome.state, outcome.counts) == ("done", AFTER)
    assert await current_rejects(context, import_id) == STILL_BAD
    stored = await rows_of(context.pool)
    assert stored["b", "2024-01-01T00:00:00+00:00"] == 5
    assert stored["a", "2024-01-01T01:00:00+00:00"] == 7
    assert len(stored) == await rolled_up(context.pool) == 8
    assert await rolled_up(context.pool, "readings_1d") == 8


async def test_corrected_rows_are_loaded_and_the_others_stay_rejected(
    context: ImportContext,
) -> None:
    import_id = await imported(context)
    assert (await outcome_of(context.pool, import_id)).counts == BEFORE
    assert [line for line, *_ in await current_rejects(context, import_id)] == BAD
    await resubmitted(context, import_id, CORRECTED)
    await assert_resubmitted(context, import_id)


async def test_a_corrected_row_that_meets_a_stored_value_is_a_conflict_if_these_are_errors(
    context: ImportContext,
) -> None:
    import_id = await imported(context, options=ImportOptions(on_conflict=OnConflict.ERROR))
    await resubmitted(context, import_id, CORRECTED)
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.counts == ImportCounts(read=11, inserted=8, rejected=3)
    conflict = (6, "conflict", "value", "a,2024-01-01T01:00:00Z,7")
    assert await current_rejects(context, import_id) == [conflict, *STILL_BAD]
    await resubmitted(context, import_id, {6: "a,2024-01-01T01:00:00Z,1"})
    counts = (await outcome_of(context.pool, import_id)).counts
    assert counts == ImportCounts(read=11, inserted=8, unchanged=1, rejected=2)


async def test_sending_the_same_rows_again_changes_nothing(context: ImportContext) -> None:
    import_id = await imported(context)
    for _ in range(3):
        await resubmitted(context, import_id, CORRECTED)
        await assert_resubmitted(context, import_id)
    await resubmitted(context, import_id, {})
    await assert_resubmitted(context, import_id)


async def test_what_is_still_bad_can_be_corrected_later(context: ImportContext) -> None:
    import_id = await imported(context)
    await resubmitted(context, import_id, CORRECTED)
    await resubmitted(
        context, import_id, {9: "c,2024-01-01T00:00:00Z,1", 11: "c,2024-01-02T00:00:00Z,1"}
    )
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.counts == dataclasses.replace(AFTER, inserted=10, rejected=0)
    assert await current_rejects(context, import_id) == []


async def test_a_file_without_a_valid_row_is_done_once_one_is_corrected(
    context: ImportContext,
) -> None:
    import_id = await imported(context, HEADER + "a,b,c\nd,e,f\n")
    assert (await outcome_of(context.pool, import_id)).error_code == "no_valid_rows"
    await resubmitted(context, import_id, {2: "a,still,bad"})
    assert (await outcome_of(context.pool, import_id)).error_code == "no_valid_rows"
    await resubmitted(context, import_id, {3: "d,2024-01-01T00:00:00Z,1"})
    outcome = await outcome_of(context.pool, import_id)
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(read=2, inserted=1, rejected=1))


@pytest.mark.parametrize("puts", [1, 2])
async def test_an_interrupted_resubmission_continues_behind_its_last_part(
    context: ImportContext, puts: int
) -> None:
    import_id = await imported(context)
    await add_resubmission(context.pool, context.storage, import_id, CORRECTED)
    faults = [None] * (puts - 1) + [StorageError("away")]
    failing = dataclasses.replace(
        context, storage=StorageThat(context.storage, Mock(side_effect=faults))
    )
    with pytest.raises(RetryRequested):
        await run_import_job(failing, import_id, 0)
    counts = (await outcome_of(context.pool, import_id)).counts
    assert counts.read == sum(dataclasses.astuple(counts)[1:])
    await run_import_job(context, import_id, 1)
    await assert_resubmitted(context, import_id)


async def test_a_cancelled_resubmission_is_continued_by_a_retry(context: ImportContext) -> None:
    import_id = await imported(context)
    await add_resubmission(context.pool, context.storage, import_id, CORRECTED)
    await context.pool.execute("UPDATE imports SET state = 'cancelled'")
    await run_import_job(context, import_id, 0)
    assert (await outcome_of(context.pool, import_id)).counts == BEFORE
    await context.pool.execute("UPDATE imports SET state = 'queued'")
    await run_import_job(context, import_id, 0)
    await assert_resubmitted(context, import_id)


async def test_rows_are_split_by_the_file_s_layout_and_validated_with_the_import_s_options(
    context: ImportContext,
) -> None:
    import_id = await imported(context, 'time;note;reading;device\n2024-01-01T00:00Z;"x;y";1,5;a\n')
    await context.pool.execute("""UPDATE imports SET options = '{"decimal": ","}'""")
    await resubmitted(context, import_id, {2: '2024-01-01T00:00Z;"x;y";2,5;a'})
    assert await rows_of(context.pool) == {("a", "2024-01-01T00:00:00+00:00"): 2.5}


async def test_only_the_first_and_the_current_rejects_survive_the_deletion_of_orphans(
    context: ImportContext, storage_settings: StorageSettings
) -> None:
    import_id = await imported(context)
    for _ in range(3):
        await resubmitted(context, import_id, CORRECTED)
    make_old(Path(storage_settings.url))
    await delete_orphaned_objects(context.pool, context.storage)
    left = {
        generation: len(await context.storage.keys(rejects_folder(import_id, generation)))
        for generation in range(4)
    }
    assert left == {0: 4, 1: 0, 2: 0, 3: 2}
    assert len(await context.storage.keys(f"imports/{import_id}/corrections")) == 1
