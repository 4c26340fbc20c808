"""A worker killed at any phase of an import: the next one completes it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from core.database import Connection, Pool
from core.settings import StorageSettings
from core.storage import Storage
from tests.jobs.known_file import BATCH_LINES, CONTENT, assert_as_undisturbed
from tests.jobs.proxy import DatabaseProxy, HoldPoint, database_proxy
from tests.jobs.support import (
    add_import,
    outcome_of,
)

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60


COPY = b"FROM STDIN"
STAGING = b"CREATE TEMPORARY TABLE import_staging"

# The first five batches are new and are copied straight into the table; the sixth is not.
# Two connections share them, each as it comes.
PHASES = {
    "before the claim": HoldPoint(b"attempt = attempt + 1,"),
    "before the first batch's copy": HoldPoint(COPY),
    "within a later batch": HoldPoint(COPY, COPY, 2),
    "before the first batch's commit": HoldPoint(b"COMMIT;", COPY, 1),
    "before a later batch's commit": HoldPoint(b"COMMIT;", COPY, 2),
    "during a commit": HoldPoint(b"COMMIT;", COPY, 2, passing=1),
    "between two batches": HoldPoint(b"BEGIN;", COPY, 2),
    "during the rollback of a copy that meets known rows": HoldPoint(b"ROLLBACK TO"),
    "before known rows are staged": HoldPoint(STAGING),
    "before the commit of staged rows": HoldPoint(b"COMMIT;", STAGING, 1),
    "after the load": HoldPoint(b"state = 'aggregating',"),
    "before the first refresh": HoldPoint(b"'readings_1h',"),
    "during a refresh": HoldPoint(b"'readings_1h',", passing=2),
    "between the two rollups": HoldPoint(b"'readings_1d',"),
    "before the ledger is cleared": HoldPoint(b"DELETE FROM rollup_dirty_ranges"),
    "between the last refresh and done": HoldPoint(b"SET state = 'done'"),
    "before the job is acknowledged": HoldPoint(b"WITH job_status"),
}

# At most two batches are in flight, so some are left whatever happens to these.
EARLY = HoldPoint(b"BEGIN;", COPY, 1)


@pytest.mark.parametrize("phase", PHASES)
async def test_an_import_whose_worker_was_killed_ends_as_if_undisturbed(
    pool: Pool, storage: Storage, storage_settings: StorageSettings, migrated_url: str, phase: str
) -> None:
    import_id = await add_import(pool, storage, CONTENT)
    async with (
        database_proxy(migrated_url, PHASES[phase]) as proxy,
        worker(url_through(proxy, migrated_url), storage_settings) as victim,
    ):
        await asyncio.wait_for(proxy.held.wait(), DEADLINE_SECONDS)
        victim.kill()
        await victim.wait()
    async with worker(migrated_url, storage_settings):
        await wait_until_settled(migrated_url, pool, import_id)
    await assert_as_undisturbed(pool, storage, import_id)


async def test_a_worker_that_froze_and_was_overtaken_writes_nothing_more(
    pool: Pool, storage: Storage, storage_settings: StorageSettings, migrated_url: str
) -> None:
    import_id = await add_import(pool, storage, CONTENT)
    async with (
        database_proxy(migrated_url, EARLY) as proxy,
        # A lease longer than the load: else a periodic task's transaction may be held instead.
        worker(url_through(proxy, migrated_url), storage_settings, lease_seconds=10) as frozen,
    ):
        await asyncio.wait_for(proxy.held.wait(), DEADLINE_SECONDS)
        await wait_until_others_committed(pool, import_id)
        frozen.send_signal(signal.SIGSTOP)
        async with worker(migrated_url, storage_settings):
            await wait_until_settled(migrated_url, pool, import_id)
            frozen.send_signal(signal.SIGCONT)
            proxy.released.set()
            await wait_for_log_event(frozen, "import_taken_over")
    await assert_as_undisturbed(pool, storage, import_id)
    assert (await outcome_of(pool, import_id)).attempt == 2


async def test_a_worker_outlives_a_database_that_goes_away_and_returns(
    pool: Pool, storage: Storage, storage_settings: StorageSettings, migrated_url: str
) -> None:
    import_id = await add_import(pool, storage, CONTENT)
    async with (
        database_proxy(migrated_url, PHASES["within a later batch"]) as proxy,
        worker(url_through(proxy, migrated_url), storage_settings) as survivor,
    ):
        await asyncio.wait_for(proxy.held.wait(), DEADLINE_SECONDS)
        await proxy.cut()
        await wait_for_log_event(survivor, "worker_interrupted")
        proxy.released.set()
        await proxy.listen()
        await wait_until_settled(migrated_url, pool, import_id)
        assert survivor.returncode is None
    await assert_as_undisturbed(pool, storage, import_id)


async def test_a_worker_that_is_terminated_hands_its_import_over_at_once(
    pool: Pool, storage: Storage, storage_settings: StorageSettings, migrated_url: str
) -> None:
    import_id = await add_import(pool, storage, CONTENT)
    async with (
        database_proxy(migrated_url, EARLY) as proxy,
        worker(url_through(proxy, migrated_url), storage_settings) as stopping,
    ):
        await asyncio.wait_for(proxy.held.wait(), DEADLINE_SECONDS)
        stopping.terminate()
        proxy.released.set()
        assert await asyncio.wait_for(stopping.wait(), DEADLINE_SECONDS) == 0
    assert (await outcome_of(pool, import_id)).state == "loading"
    assert await pool.fetchval("SELECT status::text FROM queue.pgqueuer") == "queued"
    async with worker(migrated_url, storage_settings):
        await wait_until_settled(migrated_url, pool, import_id)
    await assert_as_undisturbed(pool, storage, import_id)


async def test_notifications_of_another_login_disturb_no_worker(
    pool: Pool,
    storage: Storage,
    storage_settings: StorageSettings,
    migrated_url: str,
    bi_tool: Connection,
) -> None:
    import_id = await add_import(pool, storage, CONTENT)
    async with (
        database_proxy(migrated_url, EARLY) as proxy,
        worker(url_through(proxy, migrated_url), storage_settings, lease_seconds=10) as disturbed,
    ):
        await asyncio.wait_for(proxy.held.wait(), DEADLINE_SECONDS)
        job_id = await pool.fetchval("SELECT id FROM queue.pgqueuer")
        for payload in ("not json", "", "x" * 7_999, "null", cancellation_of(job_id)):
            await bi_tool.execute("SELECT pg_notify('ch_pgqueuer', $1)", payload)
        proxy.released.set()
        await wait_until_settled(migrated_url, pool, import_id)
        assert disturbed.returncode is None
    await assert_as_undisturbed(pool, storage, import_id)
    assert (await outcome_of(pool, import_id)).attempt == 1


async def test_a_running_worker_records_heartbeats(
    pool: Pool, storage: Storage, storage_settings: StorageSettings, migrated_url: str
) -> None:
    import_id = await add_import(pool, storage, CONTENT)
    async with worker(migrated_url, storage_settings):
        await wait_until_settled(migrated_url, pool, import_id)
    assert await pool.fetchval("SELECT count(*) FROM workers") == 1


async def test_an_import_whose_job_was_lost_is_queued_again(
    pool: Pool, storage: Storage, storage_settings: StorageSettings, migrated_url: str
) -> None:
    import_id = await add_import(pool, storage, CONTENT)
    await pool.execute("DELETE FROM queue.pgqueuer")
    async with worker(migrated_url, storage_settings):
        await wait_until_settled(migrated_url, pool, import_id)
    await assert_as_undisturbed(pool, storage, import_id)


def cancellation_of(job_id: int) -> str:
    """The notification by which pgqueuer cancels a job."""
    event = {"type": "cancellation_event", "channel": "ch_pgqueuer", "ids": [job_id]}
    return json.dumps(event | {"sent_at": datetime.now(UTC).isoformat()})


@asynccontextmanager
async def worker(
    database_url: str, storage: StorageSettings, lease_seconds: int = 1
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real worker process; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.jobs.worker_process",
        str(BATCH_LINES),
        cwd=ROOT,
        env=os.environ
        | {
            "SENSORFLOW_DATABASE_URL": database_url,
            "SENSORFLOW_STORAGE_URL": storage.url,
            "SENSORFLOW_WORKER_LEASE_SECONDS": str(lease_seconds),
            "SENSORFLOW_WORKER_REFRESH_INTERVAL_SECONDS": "60",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def url_through(proxy: DatabaseProxy, database_url: str) -> str:
    address, _, name = database_url.rpartition("/")
    return f"{address.rpartition(':')[0]}:{proxy.port}/{name}"


async def wait_for_log_event(process: asyncio.subprocess.Process, event: str) -> None:
    """Wait until the process logs the event."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for line in process.stdout:
            if event.encode() in line:
                return
    pytest.fail(f"the worker ended without logging {event}")


async def wait_until_settled(database_url: str, pool: Pool, import_id: UUID) -> None:
    """Wait until the import has ended and its job, which goes last, has left the queue."""
    changed = asyncio.Event()
    listener = await asyncpg.connect(database_url)
    await listener.add_listener("ch_pgqueuer", lambda *_: changed.set())
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await settled(pool, import_id):
            await changed.wait()
            changed.clear()
    await listener.close()


async def wait_until_others_committed(pool: Pool, import_id: UUID) -> None:
    """Wait until the batches beside the held one are committed: no more lines are done."""
    before = -1
    while (lines_done := (await outcome_of(pool, import_id)).lines_done) != before:
        before = lines_done
        await asyncio.sleep(0.5)


async def settled(pool: Pool, import_id: UUID) -> bool:
    ended = (await outcome_of(pool, import_id)).state in {"done", "failed"}
    return ended and await pool.fetchval("SELECT count(*) = 0 FROM queue.pgqueuer")
