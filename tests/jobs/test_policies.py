"""TimescaleDB's jobs fail or do not run: the worker says so, and does their work itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import structlog.testing
from prometheus_client import CollectorRegistry, generate_latest

from core.database import Pool
from core.settings import DatabaseSettings
from jobs.csv_import.context import ImportContext
from jobs.errors import WorkerStoppingError
from jobs.maintenance.policies import PolicyWatch
from jobs.maintenance.recompression import compress_overdue_chunks
from jobs.metrics import PolicyMetrics
from jobs.rollups.refresh import refresh_dirty_ranges
from tests.jobs.support import HEADER, add_import, rolled_up
from tests.support.policies import (
    failing_job,
    job_that_failed,
    last_run,
    planted_job,
    policies_switched_off,
)

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


def never() -> None:
    """A worker that is not asked to stop."""


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest_asyncio.fixture
async def without_policies(pool: Pool) -> AsyncIterator[Pool]:
    """The policies are switched off, as if no background worker ever ran them."""
    async with policies_switched_off(pool):
        yield pool


async def write_in_time(pool: Pool, *moments: datetime) -> None:
    """As the API does for readings that are not late: the ledger knows nothing of them."""
    await pool.executemany(
        "INSERT INTO readings (equipment_id, ts, value) VALUES ('a', $1, 1)",
        [(moment,) for moment in moments],
    )


async def materialised(pool: Pool, rollup: str) -> int:
    """The readings that the rollup itself holds."""
    return int(
        await pool.fetchval(f"SELECT coalesce(sum(sample_count), 0) FROM materialised_{rollup}")
    )


async def test_the_worker_materialises_what_no_policy_does(
    without_policies: Pool, database: DatabaseSettings
) -> None:
    now = this_hour()
    await write_in_time(without_policies, *(now - hours * HOUR for hours in range(1, 60)))
    with structlog.testing.capture_logs() as logged:
        assert await refresh_dirty_ranges(database)
    assert [entry["event"] for entry in logged] == ["rollups_overdue"]
    assert "docs/deployment.md" in logged[0]["remedy"]
    assert await materialised(without_policies, "1h") >= 57  # up to half an hour ago
    assert await materialised(without_policies, "1d") >= 24
    assert await rolled_up(without_policies) == 59
    assert await without_policies.fetchval("SELECT count(*) FROM rollup_dirty_ranges") == 0
    with structlog.testing.capture_logs() as logged:
        assert await refresh_dirty_ranges(database)
    assert logged == []


async def test_a_policy_has_three_intervals_before_the_worker_does_its_work(
    without_policies: Pool, database: DatabaseSettings
) -> None:
    due = await without_policies.fetchval("SELECT rollup_overdue_limit('readings_1h')")
    await write_in_time(without_policies, due + HOUR / 2)
    assert await refresh_dirty_ranges(database)
    assert await materialised(without_policies, "1h") == 0
    await without_policies.execute(
        "SELECT alter_job(job_id, schedule_interval => '10 hours') "
        "FROM timescaledb_information.jobs WHERE hypertable_name = 'readings_1h'"
    )
    try:
        slow = await without_policies.fetchval("SELECT rollup_overdue_limit('readings_1h')")
    finally:
        await without_policies.execute(
            "SELECT alter_job(job_id, schedule_interval => '10 minutes') "
            "FROM timescaledb_information.jobs WHERE hypertable_name = 'readings_1h'"
        )
    assert due - slow in {29 * HOUR, 30 * HOUR}


async def test_what_an_import_is_still_loading_is_left_for_its_end(
    without_policies: Pool, database: DatabaseSettings, context: ImportContext
) -> None:
    start = this_hour() - 10 * HOUR
    await write_in_time(without_policies, start)
    import_id = await add_import(without_policies, context.storage, HEADER)
    await context.imports.claim(import_id)
    await without_policies.execute(
        "INSERT INTO rollup_dirty_ranges (range_start, range_end, import_id) VALUES ($1, $2, $3)",
        start,
        start + HOUR,
        import_id,
    )
    assert await refresh_dirty_ranges(database)
    assert await materialised(without_policies, "1h") == 0


async def test_readings_below_the_retention_horizon_are_not_overdue_for_ever(
    without_policies: Pool, database: DatabaseSettings
) -> None:
    start = this_hour() - 10 * HOUR
    await write_in_time(without_policies, start)
    await without_policies.execute(
        "INSERT INTO retention_horizon (horizon) VALUES ($1)", start + HOUR / 2
    )
    with structlog.testing.capture_logs() as logged:
        assert await refresh_dirty_ranges(database)
    assert logged == []


async def compressed(pool: Pool) -> list[bool]:
    rows = await pool.fetch(
        "SELECT is_compressed FROM timescaledb_information.chunks "
        "WHERE hypertable_name = 'readings' ORDER BY range_start"
    )
    return [row["is_compressed"] for row in rows]


async def created_long_ago(pool: Pool) -> None:
    await pool.execute(
        "UPDATE _timescaledb_catalog.chunk SET creation_time = now() - interval '99 days'"
    )


async def test_the_worker_compresses_the_chunks_that_no_policy_does(
    without_policies: Pool, database: DatabaseSettings
) -> None:
    now = this_hour()
    await write_in_time(without_policies, *(now - weeks * WEEK for weeks in (0, 5, 10, 11)))
    await compress_overdue_chunks(database, never)  # the policy still has time for new chunks
    assert await compressed(without_policies) == [False] * 4
    await created_long_ago(without_policies)
    with structlog.testing.capture_logs() as logged:
        await compress_overdue_chunks(database, never)
    assert [entry["event"] for entry in logged] == ["chunk_overdue"] * 2
    assert await compressed(without_policies) == [True, True, False, False]
    assert await rolled_up(without_policies) == 4


async def test_a_worker_that_stops_leaves_the_chunks_to_the_next_one(
    without_policies: Pool, database: DatabaseSettings
) -> None:
    await write_in_time(without_policies, this_hour() - 10 * WEEK)
    await created_long_ago(without_policies)

    def stop() -> None:
        raise WorkerStoppingError("stop")

    with pytest.raises(WorkerStoppingError):
        await compress_overdue_chunks(database, stop)
    assert await compressed(without_policies) == [False]


async def test_the_application_compresses_no_chunk_that_is_not_overdue(
    without_policies: Pool, application_pool: Pool
) -> None:
    await write_in_time(without_policies, this_hour())
    await application_pool.execute(
        "SELECT compress_readings(range_start) FROM timescaledb_information.chunks "
        "WHERE hypertable_name = 'readings'"
    )
    assert await compressed(without_policies) == [False]


def of_job(logged: list[Any], job_id: int) -> list[Any]:
    return [entry for entry in logged if entry["job_id"] == job_id]


async def test_a_job_that_fails_is_logged_once_with_its_message_and_measured(
    pool: Pool, application_pool: Pool
) -> None:
    """As a worker sees it, which owns no job."""
    watch = PolicyWatch(PolicyMetrics(registry := CollectorRegistry()))
    async with failing_job(pool) as job_id:
        with structlog.testing.capture_logs() as logged:
            await watch.look(application_pool)
            await watch.look(application_pool)
        (entry,) = of_job(list(logged), job_id)
        assert (entry["event"], entry["log_level"]) == ("policy_failed", "warning")
        assert (entry["procedure"], entry["error"]) == ("planted_job", "planted")
        assert entry["failures_in_a_row"] >= 1
        assert f"CALL run_job({job_id})" in entry["remedy"]
        failures = f'sensorflow_policy_failures_in_a_row{{job="{job_id}",procedure="planted_job"'
        assert failures in generate_latest(registry).decode()
    await watch.look(application_pool)
    assert f'job="{job_id}"' not in generate_latest(registry).decode()


async def test_a_job_that_the_servers_scheduler_runs_is_watched(
    pool: Pool, application_pool: Pool
) -> None:
    watch = PolicyWatch(PolicyMetrics(CollectorRegistry()))
    async with job_that_failed(pool) as job_id:
        with structlog.testing.capture_logs() as logged:
            await watch.look(application_pool)
    (entry,) = of_job(list(logged), job_id)
    assert (entry["event"], entry["error"]) == ("policy_failed", "planted")


async def test_a_job_that_does_not_run_is_overdue_and_logged_once(
    pool: Pool, application_pool: Pool
) -> None:
    watch = PolicyWatch(PolicyMetrics(registry := CollectorRegistry()))
    now = datetime.now(UTC)
    async with (
        planted_job(pool, "P0001", starts_at=now + WEEK) as job_id,
        last_run(pool, job_id, success=True, next_start=now + WEEK, last_success=now - WEEK),
    ):
        with structlog.testing.capture_logs() as logged:
            await watch.look(application_pool)
            await watch.look(application_pool)
    assert [entry["event"] for entry in of_job(list(logged), job_id)] == ["policy_overdue"]
    overdue = f'sensorflow_policy_overdue{{job="{job_id}",procedure="planted_job",target=""}} 1.0'
    assert overdue in generate_latest(registry).decode()


async def test_the_remedy_for_a_release_that_does_not_fit_is_to_update_it(
    pool: Pool, application_pool: Pool
) -> None:
    watch = PolicyWatch(PolicyMetrics(CollectorRegistry()))
    async with failing_job(pool, "24000") as job_id:
        with structlog.testing.capture_logs() as logged:
            await watch.look(application_pool)
    (entry,) = of_job(list(logged), job_id)
    assert "update it" in entry["remedy"]


async def test_bi_tools_may_not_read_the_errors_of_jobs(bi_url: str, pool: Pool) -> None:
    del pool
    connection = await asyncpg.connect(bi_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM public.policy_runs()")
    finally:
        await connection.close()
