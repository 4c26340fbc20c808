"""Each finding of GET /system: absent while all is well, and there when it is not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from api.system.findings import findings_in
from api.system.schemas import Database, SystemState
from core.audits import audit_day
from core.database import REVISION, Pool
from core.queries import queries
from core.queue import enqueue_import
from core.time import DAY, floor, utc_now
from tests.api.imports.test_imports import new_import, set_state
from tests.api.stored import HOUR, enter, insert, refresh, roll_until, this_hour
from tests.api.system.test_system import system
from tests.support.policies import error_of, last_run

MINUTE = timedelta(minutes=1)
JOB = """
    SELECT job_id FROM timescaledb_information.jobs
    WHERE proc_name = 'policy_refresh_continuous_aggregate' AND hypertable_name = 'readings_1h'
"""


@pytest_asyncio.fixture(autouse=True)
async def worker(pool: Pool) -> None:
    """One is there, so nothing needs attention."""
    await queries().record_worker_heartbeat(pool, id=uuid4())


async def found(client: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    """By their codes, but those of policies: a test may really hold them up."""
    findings = (await system(client))["findings"]
    codes = {finding["code"]: finding["values"] for finding in findings}
    return {code: values for code, values in codes.items() if not code.startswith("policy_")}


async def found_of(client: httpx2.AsyncClient, job_id: int) -> dict[str, dict[str, Any]]:
    """Those of one policy."""
    findings = (await system(client))["findings"]
    ours = [finding for finding in findings if finding["values"].get("jobId") == job_id]
    return {finding["code"]: finding["values"] for finding in ours}


async def test_nothing_needs_attention_while_all_is_well(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("a", utc_now(), 1))
    await enter(pool, this_hour() - HOUR, this_hour())
    async with pool.acquire() as connection:
        await enqueue_import(connection, await new_import(pool))
        await audit_day(connection, floor(utc_now(), DAY) - 30 * DAY)
    assert await found(client) == {}


async def test_a_schema_of_a_release_before_comes_first(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await pool.execute("UPDATE alembic_version SET version_num = '0001'")
    try:
        findings = (await system(client))["findings"]
    finally:
        await pool.execute("UPDATE alembic_version SET version_num = $1", REVISION)
    assert findings[0] == {
        "code": "schema_behind",
        "severity": "critical",
        "values": {"revision": "0001", "expectedRevision": REVISION},
    }


async def test_without_a_worker_it_is_said_since_when_and_what_waits(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    async with pool.acquire() as connection:
        await enqueue_import(connection, await new_import(pool))
    await pool.execute("UPDATE workers SET seen_at = now() - INTERVAL '40 seconds'")
    # What then waits for long waits for a worker: that is the one finding.
    await pool.execute("UPDATE queue.pgqueuer SET created = now() - INTERVAL '1 hour'")
    await enter(pool, this_hour() - HOUR, this_hour())
    await pool.execute("UPDATE rollup_dirty_ranges SET created_at = now() - INTERVAL '1 hour'")
    seen_at = await pool.fetchval("SELECT seen_at FROM workers")
    findings = await found(client)
    assert findings.keys() == {"worker_absent"}
    assert findings["worker_absent"]["imports"] == 1
    assert datetime.fromisoformat(findings["worker_absent"]["seenAt"]) == seen_at
    await pool.execute("TRUNCATE workers")
    assert await found(client) == {"worker_absent": {"imports": 1}}


@asynccontextmanager
async def watermark(pool: Pool, moment: datetime) -> AsyncIterator[None]:
    """That of the hourly rollup is set back while the block runs."""
    rollup = (
        "(SELECT mat_hypertable_id FROM _timescaledb_catalog.continuous_agg "
        "WHERE user_view_name = 'readings_1h')"
    )
    table = "_timescaledb_catalog.continuous_aggs_watermark"
    before = await pool.fetchval(
        f"SELECT watermark FROM {table} WHERE mat_hypertable_id = {rollup}"
    )
    update = f"UPDATE {table} SET watermark = $1 WHERE mat_hypertable_id = {rollup}"
    internal = "SELECT _timescaledb_functions.time_to_internal($1::timestamptz)"
    await pool.execute(update, await pool.fetchval(internal, moment))
    try:
        yield
    finally:
        await pool.execute(update, before)


async def test_a_rollup_that_lacks_what_its_policy_should_have_added_is_behind(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    async with watermark(pool, this_hour() - 10 * HOUR):
        assert await found(client) == {}  # nothing has come since
        await insert(pool, ("a", this_hour() - 5 * HOUR, 1))
        values = (await found(client))["rollup_behind"]
    assert (values["rollup"], values["jobId"]) == ("readings_1h", await pool.fetchval(JOB))
    assert datetime.fromisoformat(values["watermark"]) == this_hour() - 10 * HOUR


async def test_partial_hours_that_are_not_rolled_forward_are_said(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await pool.execute("INSERT INTO pending_readings VALUES ('a', now(), 1), ('a', now(), NULL)")
    await roll_until(pool, 4 * MINUTE)
    assert await found(client) == {}
    await roll_until(pool, 6 * MINUTE)
    values = (await found(client))["partial_hours_behind"]
    assert values["readings"] == 2
    end = await pool.fetchval("SELECT end_ts FROM partial_hours_range")
    assert datetime.fromisoformat(values["since"]) == end
    await pool.execute("TRUNCATE workers")
    assert (await found(client)).keys() == {"worker_absent"}


async def test_a_range_that_no_refresh_takes_up_is_said_unless_its_import_still_loads(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    import_id = await new_import(pool)
    await enter(pool, this_hour() - HOUR, this_hour())
    await pool.execute(
        "UPDATE rollup_dirty_ranges SET created_at = now() - INTERVAL '20 min', import_id = $1",
        import_id,
    )
    await set_state(pool, import_id, "loading")
    assert await found(client) == {}
    await set_state(pool, import_id, "aggregating")
    assert (await found(client))["ranges_stale"]["ranges"] == 1


async def test_imports_that_no_worker_takes_are_said(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    async with pool.acquire() as connection:
        await enqueue_import(connection, await new_import(pool))
    await pool.execute(
        "UPDATE queue.pgqueuer SET created = now() - INTERVAL '11 min', "
        "execute_after = now() - INTERVAL '11 min'"
    )
    assert (await found(client))["imports_waiting"]["imports"] == 1


async def test_a_policy_that_failed_is_named_with_its_error(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    job_id = await pool.fetchval(JOB)
    async with (
        error_of(pool, job_id, "out of shared memory"),
        last_run(pool, job_id, success=False, next_start=utc_now() + HOUR),
    ):
        values = (await found_of(client, job_id))["policy_failed"]
    assert values["target"] == "readings_1h"
    assert (values["error"], values["failuresInARow"]) == ("out of shared memory", 2)


async def test_a_policy_that_is_not_begun_when_it_is_due_is_said(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    job_id = await pool.fetchval(JOB)
    async with last_run(pool, job_id, success=True, next_start=utc_now() - 2 * HOUR):
        assert (await found_of(client, job_id)).keys() == {"policy_not_run"}
    async with last_run(pool, job_id, success=True, next_start=utc_now() - MINUTE):
        assert await found_of(client, job_id) == {}


async def test_a_policy_that_somebody_switched_off_is_said(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    job_id = await pool.fetchval(JOB)
    switch = "SELECT alter_job($1, scheduled => $2)"
    await pool.execute(switch, job_id, False)
    try:
        assert (await found_of(client, job_id))["policy_off"]["target"] == "readings_1h"
    finally:
        await pool.execute(switch, job_id, True)


async def test_an_audit_that_found_wrong_buckets_is_said_for_a_day(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    day = floor(this_hour() - 2 * DAY, DAY)
    await insert(pool, ("a", day + HOUR, 1))
    await refresh(pool, day, day + DAY)
    await pool.execute("UPDATE readings SET value = 2")
    async with pool.acquire() as connection:
        assert (await audit_day(connection, day)).wrong_buckets > 0
        await audit_day(connection, day - 10 * DAY)  # a later one that finds nothing
    values = (await found(client))["audit_found_wrong_buckets"]
    assert datetime.fromisoformat(values["day"]) == day
    await pool.execute("UPDATE rollup_audits SET wrong_at = now() - INTERVAL '25 hours'")
    assert "audit_found_wrong_buckets" not in await found(client)


async def test_audits_that_have_stopped_are_said(client: httpx2.AsyncClient, pool: Pool) -> None:
    async with pool.acquire() as connection:
        await audit_day(connection, floor(utc_now(), DAY) - 30 * DAY)
    assert await found(client) == {}
    await pool.execute("UPDATE rollup_audits SET audited_at = now() - INTERVAL '2 hours'")
    assert (await found(client)).keys() == {"audit_overdue"}


async def test_failed_imports_of_the_last_day_are_counted(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    import_id = await new_import(pool)
    await set_state(pool, import_id, "failed", "not_text")
    assert await found(client) == {"imports_failed": {"imports": 1}}
    await pool.execute("UPDATE imports SET finished_at = now() - INTERVAL '25 hours'")
    assert await found(client) == {}


@pytest.mark.parametrize(("sessions", "said"), [(90, False), (91, True), (None, False)])
def test_a_server_whose_connections_are_nearly_used_up(sessions: int | None, *, said: bool) -> None:
    database = Database("17.5", "2.23.0", "timescale", REVISION, REVISION, sessions, 100)
    parts = dict.fromkeys(SystemState.__struct_fields__)
    state = SystemState(**{**parts, "database": database})  # type: ignore[arg-type]  # no other part
    codes = {finding.code for finding in findings_in(state, utc_now())}
    assert ("connections_nearly_used_up" in codes) is said
