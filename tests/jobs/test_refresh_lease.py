"""One session refreshes at a time; one that crashes, hangs or is overtaken holds up nobody."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from core.database import Connection, Pool, open_connection, shares_one_session
from core.settings import DatabaseSettings
from jobs.rollups import lease as lease_module
from jobs.rollups import refresh as refresh_module
from jobs.rollups.lease import RefreshLease
from jobs.rollups.refresh import HOURLY, refresh_dirty_ranges
from tests.jobs.test_refresh import DAY, ledger, write_late

SHORT_LEASE_SECONDS = 0.5


@pytest.fixture
async def session(database: DatabaseSettings) -> AsyncIterator[Connection]:
    async with open_connection(database) as connection:
        yield connection


async def has_lease(pool: Pool) -> bool:
    return bool(await pool.fetchval("SELECT count(*) FROM refresh_lease"))


async def until(attempt: Callable[[], Awaitable[bool]]) -> None:
    """Attempt it until it succeeds."""
    async with asyncio.timeout(10):
        while True:
            if await attempt():
                return
            await asyncio.sleep(SHORT_LEASE_SECONDS / 10)


async def age_lease(pool: Pool) -> None:
    """As if its holder had not renewed it for long enough to lose it."""
    await pool.execute(
        "UPDATE refresh_lease SET renewed_at = renewed_at - make_interval(secs => $1)",
        lease_module.LEASE_SECONDS,
    )


async def test_while_another_session_refreshes_nothing_is_done(
    pool: Pool, database: DatabaseSettings, session: Connection
) -> None:
    await write_late(pool, DAY, 1)
    other = RefreshLease(session)
    assert await other.take(session)
    assert not await refresh_dirty_ranges(database)
    assert await ledger(pool) == [DAY]
    await other.release(session)
    assert await refresh_dirty_ranges(database)
    assert await ledger(pool) == []


@pytest.mark.usefixtures("held_locks")
async def test_no_other_login_can_hold_up_a_refresh(
    pool: Pool, database: DatabaseSettings, bi_tool: Connection
) -> None:
    await write_late(pool, DAY, 1)
    assert len(await bi_tool.fetch("SELECT * FROM bi.readings")) == 1
    async with asyncio.timeout(20):
        assert await refresh_dirty_ranges(database)
    assert await ledger(pool) == []


async def test_of_many_at_once_one_gets_the_lease(pool: Pool, database: DatabaseSettings) -> None:
    async def take() -> bool:
        async with open_connection(database) as connection:
            return await RefreshLease(connection).take(connection)

    assert sum(await asyncio.gather(*(take() for _ in range(8)))) == 1
    await age_lease(pool)
    assert sum(await asyncio.gather(*(take() for _ in range(8)))) == 1


@pytest.mark.parametrize("fails", [True, False])
async def test_the_lease_is_free_after_a_refresh_whether_it_failed_or_not(
    pool: Pool, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    await write_late(pool, DAY, 1)

    async def refresh(connection: Connection, **bounds: Any) -> None:
        assert await has_lease(pool)
        if fails:
            raise asyncpg.DataError("of the test")
        await HOURLY.refresh(connection, **bounds)

    monkeypatch.setattr(refresh_module, "HOURLY", dataclasses.replace(HOURLY, refresh=refresh))
    if fails:
        with pytest.raises(asyncpg.DataError):
            await refresh_dirty_ranges(database)
    else:
        assert await refresh_dirty_ranges(database)
    assert not await has_lease(pool)


async def test_a_holder_that_says_nothing_loses_the_lease_in_time(
    pool: Pool,
    database: DatabaseSettings,
    session: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", SHORT_LEASE_SECONDS)
    await write_late(pool, DAY, 1)
    assert await RefreshLease(session).take(session)  # and never renewed, as after a crash
    await until(lambda: refresh_dirty_ranges(database))
    assert await ledger(pool) == []


async def test_a_long_refresh_keeps_its_lease(
    pool: Pool, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", SHORT_LEASE_SECONDS)
    monkeypatch.setattr(lease_module, "HEARTBEAT_SECONDS", SHORT_LEASE_SECONDS / 5)
    await write_late(pool, DAY, 1)
    began = asyncio.Event()

    async def refresh_slowly(connection: Connection, **bounds: Any) -> None:
        began.set()
        await asyncio.sleep(3 * SHORT_LEASE_SECONDS)
        await HOURLY.refresh(connection, **bounds)

    slow = dataclasses.replace(HOURLY, refresh=refresh_slowly)
    monkeypatch.setattr(refresh_module, "HOURLY", slow)
    first = asyncio.create_task(refresh_dirty_ranges(database))
    await began.wait()
    while not first.done():
        assert not await refresh_dirty_ranges(database) or first.done()
        await asyncio.sleep(0.05)
    assert await first
    assert await ledger(pool) == []


async def test_who_has_lost_the_lease_refreshes_nothing_more(
    pool: Pool, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [DAY + timedelta(weeks=week) for week in range(6)]
    for day in days:
        await write_late(pool, day, 1)
    slices: list[datetime] = []

    async def refresh_and_be_overtaken(connection: Connection, **bounds: Any) -> None:
        slices.append(bounds["range_start"])
        await HOURLY.refresh(connection, **bounds)
        await pool.execute("UPDATE refresh_lease SET holder = gen_random_uuid()")

    overtaken = dataclasses.replace(HOURLY, refresh=refresh_and_be_overtaken)
    monkeypatch.setattr(refresh_module, "HOURLY", overtaken)
    assert not await refresh_dirty_ranges(database)
    assert len(slices) <= 2  # one on each connection
    assert set(await ledger(pool)) == set(days)
    assert await has_lease(pool)  # the other's


async def test_the_sessions_of_a_holder_that_hangs_are_ended(
    pool: Pool,
    database: DatabaseSettings,
    session: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its process may be frozen while its last statement goes on in the server."""
    del pool
    if await shares_one_session(session):
        pytest.skip("the engine runs one statement at a time")
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", SHORT_LEASE_SECONDS)
    assert await RefreshLease(session).take(session)
    statement = asyncio.create_task(session.execute("SELECT pg_sleep(60)"))
    async with open_connection(database) as other:
        await until(lambda: RefreshLease(other).take(other))
    with pytest.raises(asyncpg.ConnectionDoesNotExistError, match="administrator command"):
        await asyncio.wait_for(statement, 10)


async def test_a_process_that_has_got_the_number_of_an_ended_one_is_spared(
    pool: Pool, database: DatabaseSettings, session: Connection
) -> None:
    await pool.execute(
        "INSERT INTO refresh_lease (holder, renewed_at, backend_pids) "
        "VALUES (gen_random_uuid(), now() - interval '1 day', $1)",
        [session.get_server_pid()],
    )
    async with open_connection(database) as other:
        assert await RefreshLease(other).take(other)
    assert await session.fetchval("SELECT true")
