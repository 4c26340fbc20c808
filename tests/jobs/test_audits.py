"""An audit detects wrong buckets of a rollup, reports them, and has them refreshed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog.testing

from cli.audit import run_audit
from core.audits import AuditedDay, audit, audit_random_day
from core.database import Pool
from core.queries import queries
from core.settings import DatabaseSettings
from jobs.csv_import.context import ImportContext
from jobs.rollups.refresh import refresh_dirty_ranges
from tests.jobs.support import HEADER, run_import
from tests.jobs.test_refresh import corrupt_hourly_rollup, ledger, note_dirty

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FILE = HEADER + "".join(f"a,2024-01-0{day}T12:00:00Z,{day}\n" for day in (1, 2, 3))


async def audited(pool: Pool) -> list[AuditedDay]:
    async with pool.acquire() as connection:
        return [day async for day in audit(connection, FIRST + DAY / 2, FIRST + 2 * DAY)]


async def test_rollups_that_agree_with_their_rows_are_left_alone(
    pool: Pool, context: ImportContext
) -> None:
    await run_import(context, FILE)
    assert await audited(pool) == [AuditedDay(FIRST, 0), AuditedDay(FIRST + DAY, 0)]
    assert await ledger(pool) == []
    assert await counts(pool) == {"days": 2, "wrong_buckets": 0}


async def test_a_wrong_bucket_is_reported_counted_and_refreshed_by_force(
    pool: Pool, context: ImportContext, database: DatabaseSettings
) -> None:
    await run_import(context, FILE)
    await corrupt_hourly_rollup(pool)
    before = await version(pool)
    with structlog.testing.capture_logs() as logged:
        wrong = await audited(pool)
    # Of each day the hour, which differs from the reading, and the day, which differs from that.
    assert wrong == [AuditedDay(FIRST, 2), AuditedDay(FIRST + DAY, 2)]
    assert [entry["event"] for entry in logged] == ["audit_found_wrong_buckets"] * 2
    assert await ledger(pool) == [FIRST, FIRST + DAY]
    assert await counts(pool) == {"days": 2, "wrong_buckets": 4}
    assert await version(pool) > before
    assert await refresh_dirty_ranges(database)
    assert await audited(pool) == [AuditedDay(FIRST, 0), AuditedDay(FIRST + DAY, 0)]


async def test_what_the_ledger_contains_or_the_horizon_has_passed_is_not_wrong(
    pool: Pool, context: ImportContext
) -> None:
    await run_import(context, FILE)
    await corrupt_hourly_rollup(pool)
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ('2024-01-01T11:15Z')")
    await note_dirty(pool, FIRST + DAY * 1.5)
    assert [day.wrong_buckets for day in await audited(pool)] == [0, 0]


async def test_a_day_at_random_is_one_with_readings(pool: Pool, context: ImportContext) -> None:
    async with pool.acquire() as connection:
        assert await audit_random_day(connection) is None
        await run_import(context, FILE)
        day = await audit_random_day(connection)
    assert day is not None
    assert FIRST - 7 * DAY < day.start < FIRST + 7 * DAY
    assert day.wrong_buckets == 0


async def test_the_command_names_the_days_that_are_wrong(
    pool: Pool,
    context: ImportContext,
    migrated_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SENSORFLOW_DATABASE_URL", migrated_url)
    await run_import(context, FILE)
    naive = [(FIRST + n * DAY).replace(tzinfo=None) for n in (0, 2)]
    assert await asyncio.to_thread(run_audit, *naive)
    await corrupt_hourly_rollup(pool)
    assert not await asyncio.to_thread(run_audit, *naive)
    printed = capsys.readouterr().out
    assert "2024-01-02: 2 buckets wrong\n2 days audited, 2 of them wrong." in printed


async def counts(pool: Pool) -> dict[str, Any]:
    row = await queries().audit_counts(pool)
    return {name: row[name] for name in ("days", "wrong_buckets")}


async def version(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT sum(version) FROM data_state"))
