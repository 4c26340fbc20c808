"""What a refresh promises: the rollups agree with the rows, or the ledger still says so."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog.testing
from asyncpg.exceptions import LockNotAvailableError

from core.database import Connection, Pool
from core.settings import DatabaseSettings
from jobs.csv_import.context import ImportContext
from jobs.errors import WorkerStoppingError
from jobs.rollups import refresh as module
from jobs.rollups.refresh import HOURLY, refresh_dirty_ranges
from tests.jobs.support import HEADER, add_import, rolled_up, run_import

DAY = datetime(2024, 1, 1, tzinfo=UTC)


async def test_late_rows_are_visible_after_a_refresh(
    pool: Pool, database: DatabaseSettings
) -> None:
    await write_late(pool, DAY, 1)
    await write_late(pool, DAY + timedelta(days=40), 2)
    assert await refresh_dirty_ranges(database)
    assert await rolled_up(pool, "readings_1h") == await rolled_up(pool, "readings_1d") == 2
    assert await ledger(pool) == []


async def test_nothing_is_materialised_above_the_limit(
    pool: Pool, database: DatabaseSettings
) -> None:
    now = datetime.now(UTC)
    await write_late(pool, now - timedelta(minutes=40), 1)
    assert await refresh_dirty_ranges(database)
    assert await ledger(pool) == []
    assert await pool.fetchval(
        "SELECT rollup_watermark('readings_1h') <= rollup_refresh_limit('1 hour')"
    )
    assert await rolled_up(pool) == 1


async def test_what_was_written_in_time_is_not_left_behind_the_watermark(
    pool: Pool, database: DatabaseSettings
) -> None:
    """As after hours in which no policy has run: rows of then are in no ledger."""
    late = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=4)
    for days_before in (0, 1, 2):
        ts = late - timedelta(days=days_before, hours=5)
        await pool.execute("INSERT INTO readings VALUES ('a', $1, 1)", ts)
    await write_late(pool, late, 1)
    assert await refresh_dirty_ranges(database)
    assert await rolled_up(pool, "readings_1h") == await rolled_up(pool, "readings_1d") == 4
    assert await ledger(pool) == []


async def test_what_would_be_left_behind_is_reported_as_stale_meanwhile(
    pool: Pool, database: DatabaseSettings
) -> None:
    late = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=4)
    first = late - timedelta(days=2)
    await pool.execute("INSERT INTO readings (equipment_id, ts, value) VALUES ('a', $1, 1)", first)
    await write_late(pool, late, 1)

    def stop() -> None:
        raise WorkerStoppingError("stopping")

    with pytest.raises(WorkerStoppingError):
        await refresh_dirty_ranges(database, stop)
    assert await ledger(pool) == [late, first]


async def test_the_policies_take_the_oldest_hours_first(pool: Pool) -> None:
    """A batch moves the watermark to its end, so none may be left for later below it."""
    orders = await pool.fetch(
        "SELECT config ->> 'refresh_newest_first' FROM timescaledb_information.jobs "
        "WHERE proc_name = 'policy_refresh_continuous_aggregate'"
    )
    assert [order[0] for order in orders] == ["false", "false"]


async def test_the_policies_end_where_the_worker_does(pool: Pool) -> None:
    limits = await pool.fetch(
        "SELECT time_bucket('1 hour', now() - (config ->> 'end_offset')::interval) AS policy, "
        "rollup_refresh_limit('1 hour') AS worker FROM timescaledb_information.jobs "
        "WHERE proc_name = 'policy_refresh_continuous_aggregate'"
    )
    assert len(limits) == 2
    assert all(row["policy"] == row["worker"] for row in limits)


async def test_hours_below_the_retention_horizon_are_left_as_they_are(
    pool: Pool, database: DatabaseSettings, context: ImportContext
) -> None:
    rows = [f"a,2024-01-01T{hour:02}:30:00Z,1\n" for hour in range(24)]
    await run_import(context, HEADER + "".join(rows))
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ('2024-01-01T11:15Z')")
    await pool.execute("DELETE FROM readings WHERE ts < '2024-01-01T11:45Z'")
    for hour in range(24):
        await note_dirty(pool, DAY + timedelta(hours=hour))
    assert await refresh_dirty_ranges(database)
    assert await rolled_up(pool, "readings_1h") == await rolled_up(pool, "readings_1d") == 24
    assert await ledger(pool) == []


async def test_a_rollup_that_is_wrong_without_cause_is_refreshed_by_force(
    pool: Pool, database: DatabaseSettings, context: ImportContext
) -> None:
    await run_import(context, f"{HEADER}a,{DAY.isoformat()},1\n")
    await corrupt_hourly_rollup(pool)
    await note_dirty(pool, DAY)
    with structlog.testing.capture_logs() as logged:
        assert await refresh_dirty_ranges(database)
    assert [(entry["event"], entry["forced"]) for entry in logged] == [("rollup_differs", False)]
    assert await pool.fetchval("SELECT sum(total_value) FROM readings_1h") == 1
    assert await pool.fetchval("SELECT sum(total_value) FROM readings_1d") == 1
    assert await ledger(pool) == []
    last_change = "SELECT equipment_ids, days FROM data_changes ORDER BY id DESC LIMIT 1"
    assert [tuple(row) for row in await pool.fetch(last_change)] == [([""], [DAY.date()])]


async def test_new_rows_that_a_refresh_misses_are_found_by_counting(
    pool: Pool, context: ImportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run_import(context, f"{HEADER}a,{(DAY + timedelta(days=1)).isoformat()},1\n")
    refresh_only_when_forced(monkeypatch)
    with structlog.testing.capture_logs() as logged:
        await run_import(context, f"{HEADER}a,{DAY.isoformat()},1\nb,{DAY.isoformat()},2\n")
    differences = [entry for entry in logged if entry["event"] == "rollup_differs"]
    assert [(entry["rollup"], entry["buckets"], entry["forced"]) for entry in differences] == [
        ("readings_1h", 1, False)  # an hour, though it has two buckets
    ]
    assert await rolled_up(pool, "readings_1h") == await rolled_up(pool, "readings_1d") == 3


async def test_a_replaced_row_that_a_refresh_misses_is_found_though_the_counts_agree(
    pool: Pool, context: ImportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run_import(context, f"{HEADER}a,{DAY.isoformat()},1\n")
    refresh_only_when_forced(monkeypatch)
    await run_import(context, f"{HEADER}a,{DAY.isoformat()},2\n")
    assert await pool.fetchval("SELECT sum(total_value) FROM readings_1h") == 2


async def test_a_range_that_stays_wrong_stays_in_the_ledger_and_the_others_leave_it(
    pool: Pool, database: DatabaseSettings, context: ImportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run_import(context, f"{HEADER}a,{DAY.isoformat()},1\n")
    await corrupt_hourly_rollup(pool)
    await note_dirty(pool, DAY)
    await note_dirty(pool, DAY + timedelta(days=40))
    monkeypatch.setattr(module, "HOURLY", dataclasses.replace(HOURLY, refresh=do_nothing))
    with structlog.testing.capture_logs() as logged:
        assert await refresh_dirty_ranges(database)
    assert logged[-1]["event"] == "rollup_still_differs_after_forced_refresh"
    assert logged[-1]["log_level"] == "error"
    assert await ledger(pool) == [DAY]


async def test_a_row_written_between_refresh_and_check_is_left_to_its_own_ledger_row(
    pool: Pool, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_late(pool, DAY, 1)

    async def refresh_then_write(connection: Connection, **bounds: Any) -> None:
        await HOURLY.refresh(connection, **bounds)
        await write_late(pool, DAY + timedelta(minutes=1), 2)

    late_writer = dataclasses.replace(HOURLY, refresh=refresh_then_write)
    monkeypatch.setattr(module, "HOURLY", late_writer)
    with structlog.testing.capture_logs() as logged:
        assert await refresh_dirty_ranges(database)
    assert logged == []
    assert await ledger(pool) == [DAY]
    monkeypatch.undo()
    assert await refresh_dirty_ranges(database)
    assert await rolled_up(pool) == 2


async def test_a_refresh_that_meets_another_one_is_tried_again(
    pool: Pool, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_late(pool, DAY, 1)
    conflicts = [LockNotAvailableError("a concurrent refresh is in progress")] * 2

    async def refresh_after_conflicts(connection: Connection, **bounds: Any) -> None:
        if conflicts:
            raise conflicts.pop()
        await HOURLY.refresh(connection, **bounds)

    patient = dataclasses.replace(HOURLY, refresh=refresh_after_conflicts)
    monkeypatch.setattr(module, "HOURLY", patient)
    assert await refresh_dirty_ranges(database)
    assert not conflicts
    assert await ledger(pool) == []


async def test_ranges_of_an_import_still_loading_are_left_for_its_end(
    pool: Pool, database: DatabaseSettings, context: ImportContext
) -> None:
    import_id = await add_import(pool, context.storage, HEADER)
    await context.imports.claim(import_id)
    await note_dirty(pool, DAY)
    await pool.execute("UPDATE rollup_dirty_ranges SET import_id = $1", import_id)
    assert await refresh_dirty_ranges(database)
    assert await ledger(pool) == [DAY]


async def test_an_interrupted_refresh_leaves_the_ledger_as_it_was(
    pool: Pool, database: DatabaseSettings
) -> None:
    await write_late(pool, DAY, 1)

    def stop() -> None:
        raise WorkerStoppingError("stop")

    with pytest.raises(WorkerStoppingError):
        await refresh_dirty_ranges(database, stop)
    assert await ledger(pool) == [DAY]
    assert await refresh_dirty_ranges(database)
    assert await ledger(pool) == []


async def write_late(pool: Pool, ts: datetime, value: float) -> None:
    """Store a reading and its ledger row, as the API does."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO readings (equipment_id, ts, value) VALUES ('a', $1, $2)", ts, value
        )
        await note_dirty(connection, ts)


async def note_dirty(target: Any, ts: datetime) -> None:
    await target.execute(
        "INSERT INTO rollup_dirty_ranges (range_start, range_end) "
        "VALUES (time_bucket('1 hour', $1::timestamptz), "
        "time_bucket('1 hour', $1::timestamptz) + interval '1 hour')",
        ts,
    )


async def ledger(pool: Pool) -> list[datetime]:
    rows = await pool.fetch("SELECT range_start FROM rollup_dirty_ranges ORDER BY id")
    return [row["range_start"] for row in rows]


def refresh_only_when_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refreshes of the hours believe that nothing has changed, unless they are forced."""

    async def refresh(connection: Connection, *, force: bool, **bounds: Any) -> None:
        if force:
            await HOURLY.refresh(connection, force=force, **bounds)

    monkeypatch.setattr(module, "HOURLY", dataclasses.replace(HOURLY, refresh=refresh))


async def corrupt_hourly_rollup(pool: Pool) -> None:
    table = await pool.fetchval(
        "SELECT format('%I.%I', materialization_hypertable_schema, "
        "materialization_hypertable_name) "
        "FROM timescaledb_information.continuous_aggregates WHERE view_name = 'readings_1h'"
    )
    await pool.execute(f"UPDATE {table} SET total_value = 7, maximum = 7")


async def do_nothing(_connection: object, **_bounds: object) -> None:
    """A refresh that refreshes nothing."""
