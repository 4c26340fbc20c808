"""A worker killed at any phase of a resubmission: the next one completes it."""

import asyncio

import pytest

from core.settings import StorageSettings
from jobs.csv_import.context import ImportContext
from tests.jobs.proxy import HoldPoint, database_proxy
from tests.jobs.test_rejects_resubmission import (
    CORRECTED,
    add_resubmission,
    assert_resubmitted,
    imported,
)
from tests.jobs.test_worker_faults import (
    DEADLINE_SECONDS,
    STAGING,
    url_through,
    wait_until_settled,
    worker,
)

PHASES = {
    "before the first part's commit": HoldPoint(b"COMMIT;", STAGING, 1),
    "during a commit": HoldPoint(b"COMMIT;", STAGING, 2, passing=1),
    "between two parts": HoldPoint(b"BEGIN;", STAGING, 1),
    "after the last part": HoldPoint(b"state = 'aggregating',"),
    "between the last refresh and done": HoldPoint(b"SET state = 'done'"),
}


@pytest.mark.parametrize("phase", PHASES)
async def test_a_resubmission_whose_worker_was_killed_ends_as_if_undisturbed(
    context: ImportContext, storage_settings: StorageSettings, migrated_url: str, phase: str
) -> None:
    import_id = await imported(context)
    await add_resubmission(context.pool, context.storage, import_id, CORRECTED)
    async with (
        database_proxy(migrated_url, PHASES[phase]) as proxy,
        worker(url_through(proxy, migrated_url), storage_settings) as victim,
    ):
        await asyncio.wait_for(proxy.held.wait(), DEADLINE_SECONDS)
        victim.kill()
        await victim.wait()
    row = await context.pool.fetchrow("SELECT * FROM imports")
    assert row is not None
    parts = ("inserted", "replaced", "unchanged", "skipped", "rejected")
    assert row["rows_read"] == sum(row[f"rows_{part}"] for part in parts) == 11
    async with worker(migrated_url, storage_settings):
        await wait_until_settled(migrated_url, context.pool, import_id)
    await assert_resubmitted(context, import_id)
