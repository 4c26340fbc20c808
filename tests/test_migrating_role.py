"""Migrations by roles that are no superusers, each in a database of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from cli.doctor.database import run_checks
from cli.doctor.results import Status
from core.database import REVISION, open_pool
from core.settings import DatabaseSettings
from jobs.rollups.refresh import refresh_dirty_ranges
from migrations.runner import upgrade
from tests.cli.test_commands import assert_reported, sensorflow
from tests.jobs.test_refresh import DAY, ledger, write_late
from tests.support.logins import execute, login
from tests.support.new_databases import as_role, new_database

ROLLUP_OWNERS = """
    SELECT array_agg(DISTINCT relowner::regrole::text)
    FROM pg_class WHERE oid IN ('public.readings_1h'::regclass, 'public.readings_1d'::regclass)
"""


async def value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def user(url: str) -> str:
    return urlsplit(url).username or ""


@pytest_asyncio.fixture
async def empty_url(superuser_url: str) -> AsyncIterator[str]:
    """An empty database, for the superuser."""
    async with new_database(superuser_url) as url:
        yield url


@pytest_asyncio.fixture
async def plain_owner_url(superuser_url: str, empty_url: str) -> AsyncIterator[str]:
    """The same database for its owner, who may create roles and is no superuser."""
    async with login(superuser_url, "sensorflow_rollups", attributes="CREATEROLE") as owner:
        name = urlsplit(empty_url).path[1:]
        await execute(superuser_url, f'ALTER DATABASE "{name}" OWNER TO "{user(owner)}"')
        yield as_role(empty_url, owner)
        await execute(superuser_url, f'ALTER DATABASE "{name}" OWNER TO CURRENT_USER')
        await execute(empty_url, f'REASSIGN OWNED BY "{user(owner)}" TO CURRENT_USER')
        await execute(empty_url, f'DROP OWNED BY "{user(owner)}"')


async def statuses(url: str) -> list[Status]:
    return [result.status for result in await run_checks(DatabaseSettings(url=SecretStr(url)))]


async def refreshes(url: str, ts: datetime) -> bool:
    """Whether the worker, with this login, brings a late row into the rollups."""
    settings = DatabaseSettings(url=SecretStr(url))
    async with await open_pool(settings) as pool:
        await write_late(pool, ts, 1)
        return await refresh_dirty_ranges(settings) and await ledger(pool) == []


async def test_one_role_that_is_no_superuser_goes_on_as_before_and_is_reported(
    plain_owner_url: str,
) -> None:
    await upgrade(plain_owner_url)
    assert await value(plain_owner_url, ROLLUP_OWNERS) == [user(plain_owner_url)]
    assert await refreshes(plain_owner_url, DAY)
    assert await statuses(plain_owner_url) == [
        *(Status.WARNING, Status.PASSED, Status.PASSED),
        Status.WARNING,  # of functions that only a superuser can reserve
    ]


async def test_two_roles_need_one_grant_of_a_superuser_where_the_owner_is_none(
    plain_owner_url: str, empty_url: str, superuser_url: str
) -> None:
    await upgrade(plain_owner_url)
    async with login(superuser_url, "sensorflow_app") as service:
        service_url = as_role(empty_url, service)
        assert (await statuses(service_url))[:3] == [Status.PASSED, Status.PASSED, Status.FAILED]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await refreshes(service_url, DAY)
        await execute(
            empty_url, "GRANT CREATE ON SCHEMA _timescaledb_internal TO sensorflow_rollups"
        )
        await upgrade(plain_owner_url)
        assert await value(plain_owner_url, ROLLUP_OWNERS) == ["sensorflow_rollups"]
        assert await refreshes(service_url, DAY + timedelta(days=1))
        assert (await statuses(service_url))[:3] == [Status.PASSED] * 3
        await upgrade(empty_url)
        assert await statuses(service_url) == [Status.PASSED] * 4
        await upgrade(plain_owner_url)  # as a later release does


async def test_two_migrations_of_an_empty_database_at_once_agree(empty_url: str) -> None:
    await asyncio.gather(upgrade(empty_url), upgrade(empty_url))
    assert await value(empty_url, "SELECT version_num FROM alembic_version") == REVISION


# The command where one more role is needed: all databases of the server share the others.
MIGRATE_WITH_ROLE = """
import sys
from cli.main import run
from migrations.roles import ROLES
ROLES[sys.argv.pop()] = "NOLOGIN"
run()
"""


async def test_roles_that_may_not_be_created_are_reported_with_the_statements(
    plain_owner_url: str, superuser_url: str
) -> None:
    absent = f"{urlsplit(superuser_url).path[1:]}_{token_hex(4)}"
    await execute(superuser_url, f'ALTER ROLE "{user(plain_owner_url)}" NOCREATEROLE')
    outcome = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", MIGRATE_WITH_ROLE, "migrate", absent],
        env=os.environ | {"SENSORFLOW_DATABASE_URL": plain_owner_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert_reported(
        outcome, f"run: CREATE ROLE {absent} NOLOGIN; then run sensorflow migrate again."
    )
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await value(plain_owner_url, tables) == 0
    await execute(superuser_url, f"CREATE ROLE {absent} NOLOGIN")  # what it told
    await upgrade(plain_owner_url)
    await execute(superuser_url, f"DROP ROLE {absent}")


async def test_a_membership_that_may_not_be_granted_is_reported_in_one_line(
    plain_owner_url: str, superuser_url: str
) -> None:
    name = user(plain_owner_url)
    await execute(
        superuser_url,
        f'ALTER ROLE "{name}" NOCREATEROLE',
        f'REVOKE sensorflow_rollups FROM "{name}"',
    )
    outcome = sensorflow("migrate", SENSORFLOW_DATABASE_URL=plain_owner_url)
    assert_reported(
        outcome, f"run: GRANT sensorflow_rollups TO {name}; then run sensorflow migrate"
    )


async def test_a_role_that_may_not_create_the_extension_is_reported(
    empty_url: str, superuser_url: str
) -> None:
    async with login(superuser_url) as stranger:
        await execute(empty_url, f'GRANT CREATE ON SCHEMA public TO "{user(stranger)}"')
        url = as_role(empty_url, stranger)
        remedy = "Let a superuser run CREATE EXTENSION timescaledb"
        assert_reported(sensorflow("migrate", SENSORFLOW_DATABASE_URL=url), remedy)
        await execute(empty_url, f'DROP OWNED BY "{user(stranger)}"')


async def test_a_role_without_rights_in_the_database_is_reported(
    empty_url: str, superuser_url: str
) -> None:
    async with login(superuser_url) as stranger:
        url = as_role(empty_url, stranger)
        outcome = sensorflow("migrate", SENSORFLOW_DATABASE_URL=url)
    assert_reported(outcome, "permission denied for schema public. Migrate as the owner")
