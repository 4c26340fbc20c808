"""`sensorflow doctor database`, asked as roles that fit and as roles that do not."""

import subprocess

from pydantic import SecretStr

from cli.doctor.database import run_checks
from cli.doctor.results import Status
from core.database import REVISION, Pool
from core.settings import DatabaseSettings
from migrations.runner import upgrade
from tests.cli.test_commands import sensorflow
from tests.support.logins import login


def doctor(url: str) -> subprocess.CompletedProcess[str]:
    return sensorflow("doctor", "database", SENSORFLOW_DATABASE_URL=url)


def test_a_role_of_its_own_is_all_good(migrated_url: str) -> None:
    outcome = doctor(migrated_url)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert outcome.stdout.count("✓") == 4
    assert f"schema at revision {REVISION}" in outcome.stdout
    assert "rollups: refreshed as sensorflow_rollups" in outcome.stdout


def test_one_role_for_everything_is_reported_and_works(owner_url: str) -> None:
    outcome = doctor(owner_url)
    assert outcome.returncode == 0
    assert "the API, the worker and the migrations are one role" in outcome.stdout
    assert "SENSORFLOW_MIGRATE_DATABASE_URL" in outcome.stdout


async def test_a_login_that_was_granted_nothing_gets_the_grant_to_execute(owner_url: str) -> None:
    async with login(owner_url) as url:
        results = await run_checks(DatabaseSettings(url=SecretStr(url)))
    assert [result.status for result in results] == [Status.FAILED] * 2
    assert "GRANT sensorflow_app TO" in results[0].remedy


async def test_a_schema_of_another_release_is_reported(migrated_url: str, pool: Pool) -> None:
    settings = DatabaseSettings(url=SecretStr(migrated_url))
    await pool.execute("UPDATE alembic_version SET version_num = '0001'")
    try:
        results = await run_checks(settings)
    finally:
        await pool.execute("UPDATE alembic_version SET version_num = $1", REVISION)
    assert results[-1].status is Status.FAILED
    assert results[-1].message == f"schema at revision 0001, this release needs {REVISION}"


async def test_a_schema_that_is_open_to_every_login_is_reported(
    migrated_url: str, pool: Pool
) -> None:
    """As in databases that PostgreSQL 14 or an earlier release has made."""
    await pool.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    try:
        results = await run_checks(DatabaseSettings(url=SecretStr(migrated_url)))
    finally:
        await pool.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    assert results[0].status is Status.WARNING
    assert "REVOKE CREATE ON SCHEMA public FROM PUBLIC" in results[0].remedy


async def test_functions_of_administrators_that_are_open_to_every_login_are_reported(
    migrated_url: str, owner_url: str, pool: Pool
) -> None:
    """As where the role that migrates is no superuser, or TimescaleDB was updated since."""
    await pool.execute("GRANT EXECUTE ON FUNCTION _timescaledb_functions.drop_chunk TO PUBLIC")
    try:
        results = await run_checks(DatabaseSettings(url=SecretStr(migrated_url)))
    finally:
        await upgrade(owner_url)
    assert results[-1].status is Status.WARNING
    assert "may execute 1 " in results[-1].message
    assert "reserved_routines" in results[-1].remedy


def test_a_database_that_does_not_answer_is_reported() -> None:
    outcome = doctor("postgresql://someone:hidden@127.0.0.1:1/db")
    assert outcome.returncode == 1
    assert "✗ connection: Nothing answers at 127.0.0.1:1" in outcome.stdout
    assert "hidden" not in outcome.stdout + outcome.stderr
