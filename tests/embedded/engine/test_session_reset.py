import asyncio

import asyncpg
import pytest

from .conftest import Connect

ADVISORY_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
TEMPORARY_TABLES = "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
HELD_CURSORS = "SELECT count(*) FROM pg_cursors WHERE is_holdable"


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ("CREATE TEMP TABLE leaked (n int)", TEMPORARY_TABLES),
        ("SELECT pg_advisory_lock(1), pg_try_advisory_lock(2)", ADVISORY_LOCKS),
        ("DECLARE held CURSOR WITH HOLD FOR SELECT 1", HELD_CURSORS),
    ],
    ids=["temporary_tables", "advisory_locks", "held_cursors"],
)
async def test_session_objects_are_dropped_with_their_last_user(
    connect: Connect, command: str, count: str
) -> None:
    user, observer = await connect(), await connect()
    await user.execute(command)
    assert await observer.fetchval(count) > 0
    await user.close()
    assert await observer.fetchval(count) == 0


async def test_a_temporary_table_outlives_another_user_of_temporary_tables(
    connect: Connect,
) -> None:
    connected, closing = await connect(), await connect()
    await connected.execute("CREATE TEMP TABLE first_temporary (n int)")
    await closing.execute("CREATE TEMP TABLE second_temporary (n int)")
    await closing.close()
    assert await connected.fetchval("SELECT count(*) FROM first_temporary") == 0


async def test_a_disconnect_in_a_transaction_rolls_back_and_frees_the_engine(
    connect: Connect,
) -> None:
    disconnecting, other = await connect(), await connect()
    await other.execute("CREATE TABLE unfinished (n int)")
    await disconnecting.execute("BEGIN")
    await disconnecting.execute("INSERT INTO unfinished VALUES (1)")
    waiting = asyncio.ensure_future(other.fetchval("SELECT count(*) FROM unfinished"))
    disconnecting.terminate()
    assert await asyncio.wait_for(waiting, 5) == 0


async def test_a_disconnect_in_a_failed_transaction_frees_the_engine(connect: Connect) -> None:
    disconnecting, other = await connect(), await connect()
    await disconnecting.execute("BEGIN")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await disconnecting.fetch("SELECT 1 / 0")
    disconnecting.terminate()
    assert await asyncio.wait_for(other.fetchval("SELECT 1"), 5) == 1
