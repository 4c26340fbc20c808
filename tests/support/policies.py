"""Jobs of TimescaleDB that fail, are late or are switched off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.database import Pool, shares_one_session
from core.time import DAY, utc_now

RUNS = "_timescaledb_internal.bgw_job_stat"
HISTORY = "_timescaledb_internal.bgw_job_stat_history"
COUNTS = (
    "total_runs",
    "total_successes",
    "total_failures",
    "total_crashes",
    "consecutive_failures",
    "consecutive_crashes",
)
SWITCH = """
    SELECT alter_job(job_id, scheduled => $1) FROM timescaledb_information.jobs
    WHERE hypertable_name IN ('readings', 'readings_1h', 'readings_1d')
"""
PROCEDURE = """
    CREATE OR REPLACE PROCEDURE planted_job(job_id int, config jsonb) LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'planted' USING ERRCODE = config ->> 'state';
    END
    $$
"""
FAILED = "SELECT error IS NOT NULL FROM policy_runs() AS run WHERE run.job_id = $1"
START_SECONDS = 60


async def insert_row(pool: Pool, table: str, row: dict[str, Any]) -> None:
    values = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await pool.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})", *row.values())


@asynccontextmanager
async def last_run(
    pool: Pool,
    job_id: int,
    *,
    success: bool,
    next_start: datetime,
    last_success: datetime | None = None,
) -> AsyncIterator[None]:
    """What TimescaleDB remembers of the job is this while the block runs."""
    before = await pool.fetch(f"DELETE FROM {RUNS} WHERE job_id = $1 RETURNING *", job_id)
    no_time = dict.fromkeys(("total_duration", "total_duration_failures"), timedelta())
    row = {
        "job_id": job_id,
        "next_start": next_start,
        "last_run_success": success,
        "last_successful_finish": last_success or utc_now(),
        **dict.fromkeys(("last_start", "last_finish"), utc_now()),
        **dict.fromkeys(COUNTS, 1),
        **dict.fromkeys(("consecutive_failures", "consecutive_crashes"), int(not success)),
        **no_time,
    }
    await insert_row(pool, RUNS, row)
    try:
        yield
    finally:
        await pool.execute(f"DELETE FROM {RUNS} WHERE job_id = $1", job_id)
        for former in before:
            await insert_row(pool, RUNS, dict(former))


@asynccontextmanager
async def error_of(
    pool: Pool, job_id: int, message: str, state: str = "XX000"
) -> AsyncIterator[None]:
    """The history of the job has a failure while the block runs."""
    data = f'{{"job": {{}}, "error_data": {{"message": "{message}", "sqlerrcode": "{state}"}}}}'
    row = {
        "job_id": job_id,
        "execution_start": utc_now(),
        "execution_finish": utc_now(),
        "succeeded": False,
        "data": data,
    }
    await insert_row(pool, HISTORY, row)
    try:
        yield
    finally:
        await pool.execute(f"DELETE FROM {HISTORY} WHERE job_id = $1 AND NOT succeeded", job_id)


@asynccontextmanager
async def policies_switched_off(pool: Pool) -> AsyncIterator[None]:
    """None of the readings' policies runs while the block does."""
    await pool.execute(SWITCH, False)
    try:
        yield
    finally:
        await pool.execute(SWITCH, True)


@asynccontextmanager
async def planted_job(pool: Pool, state: str, *, starts_at: datetime) -> AsyncIterator[int]:
    """A job whose procedure raises this SQLSTATE, while the block runs."""
    await pool.execute(PROCEDURE)
    job_id = await pool.fetchval(
        "SELECT add_job($3::text::regproc, '1 day', initial_start => $2, "
        "config => jsonb_build_object('state', $1::text))",
        state,
        starts_at,
        "planted_job",  # a constant would stay the former procedure in a prepared statement
    )
    try:
        yield job_id
    finally:
        await pool.execute("SELECT delete_job($1)", job_id)
        await pool.execute("DROP PROCEDURE planted_job")


@asynccontextmanager
async def failing_job(pool: Pool, state: str = "P0001") -> AsyncIterator[int]:
    """A job that has failed, as TimescaleDB remembers it."""
    later = utc_now() + DAY
    async with (
        planted_job(pool, state, starts_at=later) as job_id,
        last_run(pool, job_id, success=False, next_start=later),
        error_of(pool, job_id, "planted", state),
    ):
        yield job_id


@asynccontextmanager
async def job_that_failed(pool: Pool) -> AsyncIterator[int]:
    """A job that the server's scheduler has run and that failed."""
    async with pool.acquire() as connection:
        if await shares_one_session(connection):
            pytest.skip("the embedded engine has no background workers and no statistics of jobs")
    async with planted_job(pool, "P0001", starts_at=utc_now()) as job_id:
        for _ in range(START_SECONDS):
            if await pool.fetchval(FAILED, job_id):
                yield job_id
                return
            await asyncio.sleep(1)
        pytest.skip("the server has no background worker left for this database")
