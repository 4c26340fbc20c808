"""The limits that docs/embedded-engine.md documents; it has to follow when one of them changes."""

import asyncio

import asyncpg
import pytest

from embedded.database import EmbeddedDatabase

from .conftest import Connect, ConnectWire


async def test_an_index_cannot_be_created_concurrently(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE unindexed (n int)")
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute("CREATE INDEX CONCURRENTLY ON unindexed (n)")
    await connection.execute("CREATE INDEX ON unindexed (n)")


async def test_session_advisory_locks_do_not_exclude_other_clients(connect: Connect) -> None:
    first, second = await connect(), await connect()
    await first.execute("SELECT pg_advisory_lock(77)")
    assert await second.fetchval("SELECT pg_try_advisory_lock(77)") is True


async def test_there_are_no_lock_waits_and_no_deadlocks(connect: Connect) -> None:
    first, second = await connect(), await connect()
    await first.execute("CREATE TABLE contended (n int); INSERT INTO contended VALUES (1), (2)")

    async def update(connection: asyncpg.Connection, order: tuple[int, int]) -> None:
        async with connection.transaction(isolation="serializable"):
            for n in order:
                await connection.execute("UPDATE contended SET n = n WHERE n = $1", n)

    async with asyncio.timeout(10):
        await asyncio.gather(update(first, (1, 2)), update(second, (2, 1)))


async def test_the_idle_timeout_ends_an_application_that_waits_for_itself(
    fast_timer_engine: EmbeddedDatabase,
) -> None:
    holder = await asyncpg.connect(fast_timer_engine.url)
    await holder.execute("BEGIN")
    async with asyncio.timeout(10):
        nested = await asyncpg.connect(fast_timer_engine.url)
    assert await nested.fetchval("SELECT 1") == 1
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await holder.execute("COMMIT")
    await nested.close()


async def test_statistics_stay_empty(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE uncounted AS SELECT 1 AS n")
    inserted = "SELECT coalesce(sum(n_tup_ins), 0) FROM pg_stat_user_tables"
    assert await connection.fetchval(inserted) == 0
    assert await connection.fetchval("SELECT count(*) FROM pg_stat_activity") == 0


async def test_alter_database_has_no_effect(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("ALTER DATABASE postgres SET work_mem = '9MB'")
    assert await (await connect()).fetchval("SHOW work_mem") == "4MB"


def test_every_user_is_the_superuser(connect_wire: ConnectWire) -> None:
    wire = connect_wire()
    wire.login(user="anybody")
    assert wire.value("SELECT current_user || current_setting('is_superuser')") == "postgreson"


async def test_files_of_the_machine_are_not_accessible(connect: Connect) -> None:
    connection = await connect()
    with pytest.raises(asyncpg.UndefinedFileError):
        await connection.fetchval("SELECT pg_read_file('/etc/hostname')")
