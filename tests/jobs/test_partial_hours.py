"""Partial hours are exact at every moment, whatever meets them while they are rolled forward."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from api.readings.writing import columns, write_readings
from core.database import Connection, Pool, shares_one_session
from core.queries import all_rows, queries
from core.readings import Reading
from core.time import floor
from jobs.csv_import.context import ImportContext
from jobs.rollups import partial_hours as module
from jobs.rollups.partial_hours import roll_forward
from tests.api.stored import HOUR, insert, refresh, this_hour
from tests.jobs.support import HEADER, run_import

RAW = """
    SELECT equipment_id, time_bucket('1 hour', ts) AS bucket, sum(value) AS total_value,
        count(*) AS sample_count, min(value) AS minimum, max(value) AS maximum,
        first(value, ts) AS first, last(value, ts) AS last
    FROM readings GROUP BY 1, 2
"""
VIEW = """
    SELECT equipment_id, time AS bucket, total_value, sample_count, minimum, maximum, first, last
    FROM bi.readings_1h
"""
BY_PATTERN = """
    SELECT * FROM materialised_1h
    UNION ALL
    SELECT equipment_id, ts, total_value, sample_count, minimum, maximum, first, last
    FROM unmaterialised_hours('-infinity', 'infinity', '{%}', '{}')
"""
BY_ID = BY_PATTERN.replace("'{%}', '{}'", "'{}', ARRAY(SELECT DISTINCT equipment_id FROM readings)")
HOURS_END = "SELECT hours_end FROM partial_hours_seam"
STALE = "SELECT range_start, range_end FROM stale_ranges"
PENDING = "SELECT count(*) FROM pending_readings"

POLICIES = """
    SELECT alter_job(job_id, scheduled => $1) FROM timescaledb_information.jobs
    WHERE proc_name = 'policy_refresh_continuous_aggregate'
"""

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def open_hour() -> datetime:
    """The first hour that is not materialised; the tests may materialise it."""
    return floor(datetime.now(UTC) - 90 * MINUTE, HOUR)


def go_on() -> None:
    """What a worker that does not stop is asked between two steps."""


async def roll(pool: Pool) -> None:
    await roll_forward(pool, go_on)


async def save(pool: Pool, *readings: tuple[str, datetime, float]) -> None:
    rows = columns([Reading(*reading) for reading in readings])
    await queries().save_readings(pool, **rows, replace=True)


async def require_agreement(pool: Pool) -> None:
    """Views, patterns and ids have what the readings add up to."""
    expected = sorted(map(tuple, await pool.fetch(RAW)))
    for source in (VIEW, BY_PATTERN, BY_ID):
        assert sorted(map(tuple, await pool.fetch(source))) == expected


async def end_of(pool: Pool) -> datetime:
    end: datetime = await pool.fetchval("SELECT end_ts FROM partial_hours_seam")
    return end


@pytest_asyncio.fixture
async def workers(pool: Pool, application_pool: Pool) -> AsyncIterator[Pool]:
    """The worker's pool, over hours that are materialised and partial hours past them."""
    await pool.fetch(POLICIES, False)
    hour = open_hour()
    await insert(pool, *(("a", hour - age * HOUR, age / 8) for age in range(-1, 5)))
    await refresh(pool, hour - 10 * HOUR, hour)
    await save(application_pool, ("a", hour + SECOND, 1), ("b", hour, 0.5))
    await roll(application_pool)
    assert await pool.fetchval(HOURS_END) == hour < await end_of(pool)
    await require_agreement(pool)
    yield application_pool
    await pool.fetch(POLICIES, True)


async def test_what_is_rolled_forward_is_not_read_again(pool: Pool, workers: Pool) -> None:
    """A plan does not show what a function reads, but the statistics of its transaction do."""
    start = open_hour()
    for number in range(500):
        await save(workers, ("a", start + number * SECOND, 1), ("b", start + number * SECOND, 1))
    await roll(workers)
    reads = "SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) FROM pg_stat_xact_all_tables "
    reads += "WHERE relname ~ '^_hyper_1_'"
    span = {"start": start, "stop": start + 2 * HOUR}
    whole = {**span, "resume": start, "after_id": "", "row_limit": None}
    questions: list[Callable[[Connection], Awaitable[Any]]] = [
        lambda connection: connection.fetch(VIEW),
        lambda connection: connection.fetch("SELECT * FROM bi.readings_1d"),
        lambda connection: all_rows(
            queries().unmaterialised_hours, connection, **whole, patterns=["%"]
        ),
        lambda connection: all_rows(queries().hours_of_ids, connection, **whole, ids=["a", "b"]),
    ]
    for ask in questions:
        async with pool.acquire() as connection, connection.transaction():
            before = await connection.fetchval(reads)
            assert await ask(connection)
            assert await connection.fetchval(reads) - before < 100
    await require_agreement(pool)


async def test_of_named_ids_no_other_partial_hours_are_read(pool: Pool, workers: Pool) -> None:
    """With a plan that compares ids in pairs, a thousand of ten thousand take seconds."""
    await save(workers, *((f"c{number}", open_hour(), 1) for number in range(100)))
    await roll(workers)
    reads = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables "
    reads += "WHERE relname = 'partial_hours'"
    start = open_hour()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("DISCARD PLANS")
        await connection.execute("SET LOCAL enable_seqscan = off")  # as if the table were large
        before = await connection.fetchval(reads)
        question = "SELECT * FROM unmaterialised_hours_of_ids($1, $2, $3)"
        rows = await connection.fetch(question, start, start + 2 * HOUR, ["c5", "c7", "none"])
        assert {row["equipment_id"] for row in rows} == {"c5", "c7"}
        assert await connection.fetchval(reads) - before == 2


@pytest.mark.parametrize("offset", [-1, 0, 1])
async def test_rows_at_the_seam_are_counted_once(pool: Pool, workers: Pool, offset: int) -> None:
    border = await end_of(pool) + timedelta(microseconds=offset)
    await save(workers, ("a", border, 2), ("c", border, 3))
    await require_agreement(pool)
    for _ in range(2):
        await roll(workers)
        await require_agreement(pool)
    assert not await pool.fetch(STALE)
    assert await pool.fetchval(PENDING) == 0


async def test_a_replaced_reading_is_reported_as_stale_until_it_is_recounted(
    pool: Pool, workers: Pool
) -> None:
    hour = open_hour()
    await save(workers, ("a", hour + SECOND, -7))
    assert [tuple(row) for row in await pool.fetch(STALE)] == [(hour, hour + HOUR)]
    await roll(workers)
    assert not await pool.fetch(STALE)
    await require_agreement(pool)


@pytest.mark.parametrize("replace", [True, False])
async def test_batches_enter_what_is_behind_the_seam(
    pool: Pool, workers: Pool, *, replace: bool
) -> None:
    """By COPY, and by an upsert, since a key is stored already."""
    hour = open_hour()
    for key in (2 * SECOND, SECOND):
        readings = [Reading(name, hour + key, 5) for name in ("a", "d")]
        async with workers.acquire() as connection, connection.transaction():
            await write_readings(connection, readings, replace=replace)
        await roll(workers)
        await require_agreement(pool)


async def test_hours_are_deleted_once_they_are_materialised_and_not_before(
    pool: Pool, workers: Pool
) -> None:
    hours = "SELECT DISTINCT bucket FROM partial_hours ORDER BY bucket"
    hour = open_hour()
    assert (await pool.fetch(hours))[0]["bucket"] == hour
    for _ in range(2):
        await roll(workers)
        assert (await pool.fetch(hours))[0]["bucket"] == hour
    await refresh(pool, hour, hour + HOUR)
    await require_agreement(pool)
    await roll(workers)
    assert hour not in {row["bucket"] for row in await pool.fetch(hours)}
    await require_agreement(pool)


async def test_a_worker_that_was_away_goes_on_behind_the_watermark(
    pool: Pool, workers: Pool
) -> None:
    """The policy has gone past its end, or is itself far behind."""
    await pool.execute("UPDATE partial_hours_range SET end_ts = start_ts, announced_end = start_ts")
    await pool.execute("DELETE FROM partial_hours")
    await require_agreement(pool)
    await save(workers, ("a", open_hour() + 3 * SECOND, 9))
    await refresh(pool, open_hour(), open_hour() + HOUR)
    await require_agreement(pool)
    await roll(workers)
    await require_agreement(pool)


async def test_a_system_without_recent_hours_reads_the_rows_themselves(
    pool: Pool, application_pool: Pool
) -> None:
    await insert(pool, ("a", this_hour() - 100 * HOUR, 1), ("a", this_hour() - 5 * HOUR, 2))
    await refresh(pool, this_hour() - 200 * HOUR, this_hour() - 50 * HOUR)
    await save(application_pool, ("a", this_hour(), 4))
    await roll(application_pool)
    await save(application_pool, ("a", this_hour() + SECOND, 3), ("a", this_hour(), 5))
    await require_agreement(pool)
    assert not await pool.fetch(STALE)
    await refresh(pool, this_hour() - 50 * HOUR, this_hour())
    await roll(application_pool)
    await require_agreement(pool)


async def test_two_workers_at_once_agree(pool: Pool, workers: Pool) -> None:
    for number in range(3):
        await save(workers, ("a", open_hour() + (number + 5) * SECOND, number))
        await asyncio.gather(roll(workers), roll(workers))
        await require_agreement(pool)


@pytest.mark.usefixtures("workers")
async def test_an_import_of_old_rows_leaves_partial_hours_alone(
    pool: Pool, context: ImportContext
) -> None:
    before = await pool.fetch("SELECT * FROM partial_hours")
    rows = [f"a,2024-01-01T{hour:02}:30:00Z,1\n" for hour in range(24)]
    for value in ("1", "2"):
        await run_import(context, HEADER + "".join(rows).replace(",1\n", f",{value}\n"))
        assert await pool.fetchval(PENDING) == 0
    after = await pool.fetch("SELECT * FROM partial_hours WHERE last_ts < $1", this_hour())
    assert {tuple(row) for row in after} <= {tuple(row) for row in before}
    await require_agreement(pool)


async def test_an_import_of_recent_rows_is_visible_when_it_is_done(
    pool: Pool, workers: Pool, context: ImportContext
) -> None:
    hour = open_hour()
    for value in (1, 2):
        rows = [f"e,{(hour + n * MINUTE).isoformat()},{value}\n" for n in range(60)]
        outcome = await run_import(context, HEADER + "".join(rows))
        assert outcome.state == "done"
        assert not await pool.fetch(STALE)
        await require_agreement(pool)
    await roll(workers)
    await require_agreement(pool)


async def test_a_server_of_an_earlier_release_makes_them_start_anew(
    pool: Pool, workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = open_hour() + 30 * SECOND
    async with workers.acquire() as connection, connection.transaction():
        await insert_as_before(connection, late)
    stale = await pool.fetch(STALE)
    assert stale[0]["range_start"] <= late < stale[0]["range_end"]
    await roll(workers)
    await require_agreement(pool)
    assert not await pool.fetch(STALE)
    await roll(workers)  # not yet: another one may follow
    assert await pool.fetchval("SELECT count(*) FROM partial_hours") == 0
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.0)
    for _ in range(2):
        await roll(workers)
        await require_agreement(pool)
    assert await pool.fetchval("SELECT count(*) FROM partial_hours") > 0


async def insert_as_before(connection: Connection, ts: datetime) -> None:
    await connection.execute(
        "INSERT INTO readings (equipment_id, ts, value) VALUES ('a', $1, 2)", ts
    )
    await connection.execute(
        "SELECT enter_written(ARRAY[$1::timestamptz], ARRAY[$1::timestamptz], '{a}', "
        "ARRAY[$1::timestamptz::date], 100, true, NULL)",
        ts,
    )


async def test_a_reading_written_between_announcement_and_merge_is_counted_once(
    pool: Pool, workers: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = await end_of(pool) + timedelta(microseconds=1)
    await asyncio.sleep(0.01)
    wait = module.wait_for_writers

    async def write_meanwhile(connection: Connection) -> bool:
        await save(workers, ("a", late, 4), ("b", late - MINUTE, 4))
        return await wait(connection)

    monkeypatch.setattr(module, "wait_for_writers", write_meanwhile)
    monkeypatch.setattr(module, "DELAY_SECONDS", 0.0)
    await roll(workers)
    assert late < await end_of(pool)
    await require_agreement(pool)
    assert await pool.fetchval(PENDING) == 0


async def test_a_transaction_in_progress_is_waited_for(
    pool: Pool, workers: Pool, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has looked before the announcement, so its reading is in no pending reading."""
    monkeypatch.setattr(module, "WAIT_FOR_WRITERS_SECONDS", 0.2)
    writer = await asyncpg.connect(migrated_url)
    if await shares_one_session(writer):
        await writer.close()
        pytest.skip("the engine has one session, in which a transaction holds up everybody")
    monkeypatch.setattr(module, "DELAY_SECONDS", 0.0)
    before = await end_of(pool)
    now = datetime.now(UTC)
    transaction = writer.transaction()
    await transaction.start()
    await queries().save_readings(writer, **columns([Reading("a", now, 8)]), replace=True)
    await roll(workers)
    assert await end_of(pool) == before
    await save(workers, ("b", before - MINUTE, 2))
    await roll(workers)  # the pending reading is merged all the same
    assert await pool.fetchval(PENDING) == 0
    await transaction.commit()
    await require_agreement(pool)
    await roll(workers)
    assert await end_of(pool) > now
    await require_agreement(pool)
    await writer.close()


async def test_a_reading_committed_after_the_merge_is_pending(
    pool: Pool, workers: Pool, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction began after the announcement, so nobody waits for it."""
    writer = await asyncpg.connect(migrated_url)
    if await shares_one_session(writer):
        await writer.close()
        pytest.skip("the engine has one session, in which a transaction holds up everybody")
    monkeypatch.setattr(module, "DELAY_SECONDS", 0.0)
    transaction, late = writer.transaction(), datetime.now(UTC)
    wait = module.wait_for_writers

    async def write_meanwhile(connection: Connection) -> bool:
        ended = await wait(connection)
        await transaction.start()
        await queries().save_readings(writer, **columns([Reading("a", late, 8)]), replace=True)
        return ended

    monkeypatch.setattr(module, "wait_for_writers", write_meanwhile)
    await roll(workers)
    monkeypatch.setattr(module, "wait_for_writers", wait)
    assert await end_of(pool) > late
    await transaction.commit()
    assert await pool.fetchval(PENDING) == 1
    await require_agreement(pool)
    await roll(workers)
    await require_agreement(pool)
    await writer.close()


async def test_a_question_in_progress_sees_nothing_of_the_merge(
    pool: Pool, workers: Pool, migrated_url: str
) -> None:
    reader = await asyncpg.connect(migrated_url)
    if await shares_one_session(reader):
        await reader.close()
        pytest.skip("the engine has one session, in which a transaction holds up everybody")
    await save(workers, ("a", open_hour() + 40 * SECOND, 3))
    async with reader.transaction(isolation="repeatable_read"):
        first = await reader.fetch(BY_PATTERN)
        await roll(workers)
        await refresh(pool, open_hour(), open_hour() + HOUR)
        await roll(workers)
        for source in (BY_PATTERN, BY_ID):
            assert {*await reader.fetch(source)} == {*first}
    await require_agreement(pool)
    await reader.close()
