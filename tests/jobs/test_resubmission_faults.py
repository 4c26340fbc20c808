"""A worker killed at any phase of a repair leaves nothing that the next one does not set right."""

import asyncio

import pytest

from core.settings import StorageSettings
from jobs.csv_import.context import ImportWork
from tests.jobs.proxy import Point, wire_to
from tests.jobs.test_rejects_resubmission import (
    CORRECTED,
    add_repair,
    assert_repaired,
    imported,
)
from tests.jobs.test_worker_faults import (
    DEADLINE_SECONDS,
    STAGING,
    until_settled,
    url_through,
    worker,
)

PHASES = {
    "before the first part's commit": Point(b"COMMIT;", STAGING, 1),
    "while a commit is under way": Point(b"COMMIT;", STAGING, 2, passing=1),
    "between two parts": Point(b"BEGIN;", STAGING, 1),
    "after the last part": Point(b"state = 'aggregating',"),
    "between the last refresh and done": Point(b"SET state = 'done'"),
}


@pytest.mark.parametrize("phase", PHASES)
async def test_a_repair_whose_worker_was_killed_ends_as_if_undisturbed(
    work: ImportWork, storage_settings: StorageSettings, migrated_url: str, phase: str
) -> None:
    import_id = await imported(work)
    await add_repair(work.pool, work.storage, import_id, CORRECTED)
    async with (
        wire_to(migrated_url, PHASES[phase]) as wire,
        worker(url_through(wire, migrated_url), storage_settings) as victim,
    ):
        await asyncio.wait_for(wire.held.wait(), DEADLINE_SECONDS)
        victim.kill()
        await victim.wait()
    row = await work.pool.fetchrow("SELECT * FROM imports")
    assert row is not None
    parts = ("inserted", "replaced", "unchanged", "rejected")
    assert row["rows_read"] == sum(row[f"rows_{part}"] for part in parts) == 11
    async with worker(migrated_url, storage_settings):
        await until_settled(migrated_url, work.pool, import_id)
    await assert_repaired(work, import_id)
