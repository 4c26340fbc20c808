"""`sensorflow backup` and `restore`: a drill on a native server, and what is refused anywhere."""

import os
import shutil
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from cli.backup.programs import without_password
from core.database import REVISION
from embedded.identity import IdentityProvider
from migrations.runner import upgrade
from tests.auth.servers import running_server
from tests.auth.user_agent import TEST_USER, me, password_login, session_header, user_agent_at
from tests.cli.drills import FILL, POLICIES, SUMS, import_and_refresh, value
from tests.cli.test_commands import assert_reported, sensorflow
from tests.support.logins import execute, login
from tests.support.new_databases import as_role, new_database

FAKE = """#!/bin/sh
echo "pg_dump: error: aborting because of server version mismatch" >&2
exit 1
"""


@pytest.fixture(scope="session")
def client_programs() -> None:
    if missing := [name for name in ("pg_dump", "pg_restore") if not shutil.which(name)]:
        pytest.skip(f"needs {' and '.join(missing)}: on Debian the package postgresql-client")


@dataclass(frozen=True)
class Drill:
    """A database with readings, an empty one, and a file that a backup may have."""

    source: str
    target: str
    file: Path

    def backup(self) -> None:
        outcome = sensorflow("backup", str(self.file), **_owner(self.source))
        assert outcome.returncode == 0, outcome.stderr
        assert f"revision {REVISION}" in outcome.stderr

    def restore(self) -> None:
        outcome = sensorflow("restore", str(self.file), **_owner(self.target))
        assert outcome.returncode == 0, outcome.stderr
        assert outcome.stderr.endswith(f"the database is at revision {REVISION}.\n")


def _owner(url: str) -> dict[str, str]:
    return {"SENSORFLOW_MIGRATE_DATABASE_URL": url, "PATH": os.environ["PATH"]}


@pytest_asyncio.fixture
async def drill(superuser_url: str, tmp_path: Path) -> AsyncIterator[Drill]:
    async with new_database(superuser_url) as source, new_database(superuser_url) as target:
        await upgrade(source)
        await execute(source, *FILL)
        yield Drill(source, target, tmp_path / "sensorflow.dump")


@pytest.mark.usefixtures("client_programs")
async def test_a_restored_database_has_every_row_and_goes_on_working(
    drill: Drill, identity_provider: IdentityProvider, api_port: int, tmp_path: Path
) -> None:
    cookie = await _signed_in(drill.source, identity_provider, api_port, tmp_path)
    drill.backup()
    drill.restore()
    for query in (SUMS, POLICIES):
        assert await value(drill.target, query) == await value(drill.source, query)
    async with login(drill.target, "sensorflow_app") as service:
        await import_and_refresh(service, tmp_path)
        async with running_server(service, identity_provider.issuer, api_port, tmp_path) as server:
            assert (await me(server.url, session_header(cookie))).status_code == 200
            async with user_agent_at(server.url) as user:
                await password_login(user.http, *TEST_USER)
                assert user.session_cookie


async def _signed_in(
    source: str, provider: IdentityProvider, port: int, storage: Path
) -> str | None:
    async with (
        login(source, "sensorflow_app") as service,
        running_server(service, provider.issuer, port, storage) as server,
        user_agent_at(server.url) as user,
    ):
        await password_login(user.http, *TEST_USER)
        return user.session_cookie


@pytest.mark.usefixtures("client_programs")
async def test_only_an_empty_database_takes_a_backup_and_only_a_new_file_gets_one(
    drill: Drill,
) -> None:
    drill.backup()
    assert_reported(sensorflow("backup", str(drill.file), **_owner(drill.source)), "exists already")
    assert_reported(sensorflow("restore", str(drill.file), **_owner(drill.source)), "is not empty")
    other = str(drill.file.with_name("other.dump"))
    assert_reported(sensorflow("backup", other, **_owner(drill.target)), "has no schema")
    async with login(drill.target, "sensorflow_bi") as plain:
        refused = sensorflow("restore", str(drill.file), **_owner(as_role(drill.target, plain)))
    assert_reported(refused, "Only a superuser can restore")


@pytest.mark.usefixtures("client_programs")
async def test_roles_that_own_tables_of_the_backup_are_named_where_they_are_missing(
    drill: Drill, superuser_url: str
) -> None:
    async with login(superuser_url, attributes="SUPERUSER") as owner:
        name = owner.split("//")[1].split(":")[0]
        connection = await asyncpg.connect(drill.source)
        await connection.execute(
            f'CREATE TABLE public.extra (); ALTER TABLE extra OWNER TO "{name}"'
        )
        drill.backup()
        await connection.execute("DROP TABLE extra")
        await connection.close()
    refused = sensorflow("restore", str(drill.file), **_owner(drill.target))
    assert_reported(refused, f"CREATE ROLE {name} NOLOGIN;")


@pytest.mark.usefixtures("client_programs")
def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    url = _owner("postgresql://a:b@127.0.0.1:1/c")
    assert_reported(sensorflow("restore", str(file), **url), f"There is no file {file}.")
    file.write_text("equipmentId,timestamp,value\n")
    assert_reported(sensorflow("restore", str(file), **url), "pg_restore failed: ")


def test_missing_client_programs_are_named(tmp_path: Path) -> None:
    file = tmp_path / "a.dump"
    file.touch()
    url = _owner("postgresql://a:b@127.0.0.1:1/c") | {"PATH": str(tmp_path)}
    assert_reported(sensorflow("restore", str(file), **url), "package postgresql-client")


def test_client_programs_that_are_too_old_are_named_and_leave_no_file(
    owner_url: str, tmp_path: Path
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text(FAKE)
    program.chmod(stat.S_IRWXU)
    path = f"{tmp_path}:{os.environ['PATH']}"
    outcome = sensorflow("backup", str(tmp_path / "a.dump"), **_owner(owner_url) | {"PATH": path})
    assert_reported(outcome, "of the server's major version or newer.")
    assert list(tmp_path.iterdir()) == [program]


def test_a_password_is_in_the_environment_and_in_no_command_line() -> None:
    url, environment = without_password("postgresql://me:p%40ss@a:1,b:2/db?sslmode=require")
    assert url == "postgresql://me@a:1,b:2/db?sslmode=require"
    assert environment["PGPASSWORD"] == "p@ss"
    assert "PGPASSWORD" not in without_password("postgresql://127.0.0.1/db")[1]
