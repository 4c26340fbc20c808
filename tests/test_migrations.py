import asyncio
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from pgqueuer.db import AsyncpgPoolDriver
from sqlalchemy import Connection as AlchemyConnection

from core.database import REVISION, Connection, Pool, control_engine, shares_one_session
from core.errors import UnsupportedDatabaseError
from core.queue import queue_queries
from migrations import blockers
from migrations.errors import MigrationBlockedError
from migrations.requirements import check_license, check_version
from migrations.runner import HERE, alembic_config, downgrade, upgrade


async def test_two_migrations_at_once_and_a_third_after_them_agree(owner_url: str) -> None:
    await asyncio.gather(upgrade(owner_url), upgrade(owner_url))
    await upgrade(owner_url)
    assert await revision_of(owner_url) == REVISION


@pytest.mark.usefixtures("held_locks")
async def test_a_bi_tool_can_hold_up_no_migration(owner_url: str, bi_tool: Connection) -> None:
    """Neither by the locks of former releases nor by an open transaction that has read."""
    for view in ("readings", "readings_1h", "readings_1d", "equipment"):
        await bi_tool.fetch(f"SELECT * FROM bi.{view} LIMIT 1")
    async with asyncio.timeout(20):
        await upgrade(owner_url)
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await bi_tool.execute("COMMIT")


async def test_whoever_else_holds_up_a_migration_is_named_and_goes_on(
    owner_url: str, application_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blockers, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(blockers, "LOCK_TIMEOUT_SECONDS", 1.5)
    async with application_pool.acquire() as connection:
        if await shares_one_session(connection):
            pytest.skip("the engine has one session, in which a transaction holds up everybody")
        async with connection.transaction():
            await connection.fetch("SELECT * FROM measured LIMIT 1")
            name = await connection.fetchval("SELECT current_user")
            pid = connection.get_server_pid()
            with pytest.raises(MigrationBlockedError, match=rf"{name} \(process {pid}\)"):
                await upgrade(owner_url)
    await upgrade(owner_url)


async def test_the_schema_goes_down_to_nothing_and_up_again(owner_url: str) -> None:
    await downgrade(owner_url, "base")
    assert await revision_of(owner_url) is None
    assert await tables_of(owner_url) == {"alembic_version"}
    await upgrade(owner_url)
    assert await revision_of(owner_url) == REVISION


async def test_every_row_stays_accounted_for_when_skipped_rows_are_no_longer_counted(
    owner_url: str, pool: Pool
) -> None:
    await pool.execute(
        "INSERT INTO imports (id, file_name, object_key, size_bytes, created_by, state, "
        "rows_read, rows_inserted, rows_skipped) "
        "VALUES (gen_random_uuid(), 'a.csv', 'a', 1, 'tester', 'done', 5, 2, 3)"
    )
    await downgrade(owner_url, "0022")
    counts = "SELECT rows_read - rows_inserted - rows_unchanged FROM imports"
    assert await scalar(owner_url, counts) == 0
    await upgrade(owner_url)
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("UPDATE imports SET rows_skipped = 1")


def test_the_code_is_written_for_the_newest_revision() -> None:
    assert ScriptDirectory(str(HERE)).get_current_head() == REVISION


async def test_the_migrated_schema_is_the_one_the_tables_declare(owner_url: str) -> None:
    engine = control_engine(owner_url)
    async with engine.connect() as connection:
        await connection.run_sync(check_against_tables)
    await engine.dispose()


async def test_the_installed_queue_library_misses_nothing_in_our_schema(pool: Pool) -> None:
    plan = await queue_queries(AsyncpgPoolDriver(pool)).plan_upgrade()
    assert not plan.statements


@pytest.mark.parametrize("version", ["2.21.3", "1.7.5"])
def test_an_old_extension_is_refused_with_the_remedy(version: str) -> None:
    with pytest.raises(UnsupportedDatabaseError, match="ALTER EXTENSION timescaledb UPDATE"):
        check_version(version)


@pytest.mark.parametrize("version", ["2.22.0", "2.23.0-dev", "2.28.4", "3.0.0"])
def test_a_recent_extension_is_accepted(version: str) -> None:
    check_version(version)


@pytest.mark.parametrize("edition", ["apache", None])
def test_a_server_without_community_features_is_refused(edition: str | None) -> None:
    with pytest.raises(UnsupportedDatabaseError, match="Community edition"):
        check_license(edition)


def check_against_tables(connection: AlchemyConnection) -> None:
    command.check(alembic_config(connection))


async def revision_of(database_url: str) -> str | None:
    revision: str | None = await scalar(
        database_url, "SELECT max(version_num) FROM alembic_version"
    )
    return revision


async def tables_of(database_url: str) -> set[str]:
    names = await scalar(
        database_url, "SELECT array_agg(tablename) FROM pg_tables WHERE schemaname = 'public'"
    )
    return set(names)


async def scalar(database_url: str, statement: str) -> Any:
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
