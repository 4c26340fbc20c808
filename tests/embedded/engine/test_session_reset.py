import asyncio

import asyncpg
import pytest

from .conftest import Connect

ADVISORY_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
TEMPORARY_TABLES = "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
HELD_CURSORS = "SELECT count(*) FROM pg_cursors WHERE is_holdable"


@pytest.mark.parametrize(
    ("leave_behind", "count"),
    [
        ("CREATE TEMP TABLE leaked (n int)", TEMPORARY_TABLES),
        ("SELECT pg_advisory_lock(1), pg_try_advisory_lock(2)", ADVISORY_LOCKS),
        ("DECLARE held CURSOR WITH HOLD FOR SELECT 1", HELD_CURSORS),
    ],
    ids=["temporary_tables", "advisory_locks", "held_cursors"],
)
async def test_what_a_session_leaves_behind_goes_with_its_last_user(
    connect: Connect, leave_behind: str, count: str
) -> None:
    user, observer = await connect(), await connect()
    await user.execute(leave_behind)
    assert await observer.fetchval(count) > 0
    await user.close()
    assert await observer.fetchval(count) == 0


async def test_a_temporary_table_outlives_another_user_of_temporary_tables(
    connect: Connect,
) -> None:
    keeper, leaver = await connect(), await connect()
    await keeper.execute("CREATE TEMP TABLE kept_temporarily (n int)")
    await leaver.execute("CREATE TEMP TABLE gone_soon (n int)")
    await leaver.close()
    assert await keeper.fetchval("SELECT count(*) FROM kept_temporarily") == 0


async def test_a_disconnect_in_a_transaction_rolls_back_and_frees_the_engine(
    connect: Connect,
) -> None:
    leaver, other = await connect(), await connect()
    await other.execute("CREATE TABLE unfinished (n int)")
    await leaver.execute("BEGIN")
    await leaver.execute("INSERT INTO unfinished VALUES (1)")
    waiting = asyncio.ensure_future(other.fetchval("SELECT count(*) FROM unfinished"))
    leaver.terminate()
    assert await asyncio.wait_for(waiting, 5) == 0


async def test_a_disconnect_in_a_failed_transaction_frees_the_engine(connect: Connect) -> None:
    leaver, other = await connect(), await connect()
    await leaver.execute("BEGIN")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await leaver.fetch("SELECT 1 / 0")
    leaver.terminate()
    assert await asyncio.wait_for(other.fetchval("SELECT 1"), 5) == 1
