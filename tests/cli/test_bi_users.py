"""`sensorflow bi-user`: what its logins may do, and what becomes of them."""

import base64
import re
import subprocess
from collections.abc import Iterator
from secrets import token_hex
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from cli.bi_users.scram import new_password, scram_verifier
from core.database import CONNECTION_LOST, Connection, shares_one_session
from tests.cli.test_commands import sensorflow

PASSWORD = re.compile(r"[\w-]{32}\n")


def bi_user(owner_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return sensorflow("bi-user", *arguments, SENSORFLOW_DATABASE_URL=owner_url)


def refusal(owner_url: str, *arguments: str) -> str:
    outcome = bi_user(owner_url, *arguments)
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1
    return outcome.stderr


@pytest.fixture
def name(owner_url: str) -> Iterator[str]:
    """A name that no role has, before and after; roles belong to the whole server."""
    name = f'bi "{token_hex(4)}'
    yield name
    bi_user(owner_url, "revoke", name)


@pytest_asyncio.fixture
async def many_sessions(owner_url: str) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        if await shares_one_session(connection):
            pytest.skip("the engine has one session, which is a superuser whoever logs in")
    finally:
        await connection.close()


def listed(owner_url: str) -> list[list[str]]:
    lines = bi_user(owner_url, "list").stdout.splitlines()
    return [re.split(" {2,}", line.strip()) for line in lines]


async def connect(owner_url: str, name: str, password: str) -> Connection:
    parts = urlsplit(owner_url)
    return await asyncpg.connect(
        host=parts.hostname,
        port=parts.port,
        database=parts.path[1:],
        user=name,
        password=password,
    )


async def accepts(owner_url: str, name: str, password: str) -> bool:
    try:
        await (await connect(owner_url, name, password)).close()
    except asyncpg.InvalidPasswordError:
        return False
    return True


async def test_a_login_is_created_once_listed_and_removed(owner_url: str, name: str) -> None:
    created = bi_user(owner_url, "create", name, "--max-connections", "3")
    assert created.returncode == 0, created.stderr
    assert PASSWORD.fullmatch(created.stdout)
    assert "There is a role" in refusal(owner_url, "create", name)
    assert [name, "0", "3", "300s"] in listed(owner_url)
    assert bi_user(owner_url, "revoke", name).returncode == 0
    assert name not in {login for login, *_ in listed(owner_url)}
    assert "is no login" in refusal(owner_url, "revoke", name)


@pytest.mark.parametrize("role", ["sensorflow_app", "sensorflow_bi", "sensorflow_rollups"])
async def test_no_other_role_is_rotated_or_removed(owner_url: str, role: str) -> None:
    for command in ("rotate", "revoke"):
        assert "is no login" in refusal(owner_url, command, role)


@pytest.mark.parametrize("name", ["", " a", "pg_a", "x" * 64, "a\nb"])
def test_names_that_postgresql_would_change_or_refuse(owner_url: str, name: str) -> None:
    assert "A name of 1 to 63 bytes" in refusal(owner_url, "create", name)


async def test_the_sessions_of_a_login_are_limited_by_default(owner_url: str, name: str) -> None:
    assert bi_user(owner_url, "create", name, "--statement-timeout", "7").returncode == 0
    connection = await asyncpg.connect(owner_url)
    try:
        settings = await connection.fetchval(
            "SELECT rolconfig FROM pg_roles WHERE rolname = $1", name
        )
    finally:
        await connection.close()
    assert {
        "search_path=bi",
        "default_transaction_read_only=on",
        "statement_timeout=7s",
        "idle_in_transaction_session_timeout=60s",
        "idle_session_timeout=1h",
    } <= set(settings)


@pytest.mark.usefixtures("many_sessions", "pool")
async def test_the_password_opens_sessions_of_the_schema_bi_until_it_is_rotated(
    owner_url: str, name: str
) -> None:
    first = bi_user(owner_url, "create", name).stdout.strip()
    session = await connect(owner_url, name, first)
    try:
        assert await session.fetch("SELECT * FROM equipment LIMIT 1") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.fetch("SELECT * FROM public.readings")
    finally:
        await session.close()
    if await accepts(owner_url, name, "a wrong one"):
        pytest.skip("this server trusts whoever connects, whatever the password")
    second = bi_user(owner_url, "rotate", name).stdout.strip()
    assert not await accepts(owner_url, name, first)
    assert await accepts(owner_url, name, second)


@pytest.mark.usefixtures("many_sessions")
async def test_the_sessions_of_a_removed_login_end(owner_url: str, name: str) -> None:
    password = bi_user(owner_url, "create", name).stdout.strip()
    session = await connect(owner_url, name, password)
    outcome = bi_user(owner_url, "revoke", name)
    assert "were ended: 1" in outcome.stderr
    with pytest.raises((*CONNECTION_LOST, asyncpg.PostgresError)):
        await session.fetch("SELECT 1")


async def test_a_role_that_may_not_create_logins_is_told_who_may(
    owner_url: str, migrated_url: str, name: str
) -> None:
    assert "CREATEROLE" in refusal(migrated_url, "create", name)
    assert name not in bi_user(owner_url, "list").stdout


def test_the_verifier_is_that_of_postgresql() -> None:
    """Which PostgreSQL 15 made of the same password, with a salt of its own."""
    salt = base64.b64decode("LzCvF13H8MXd6WVgwMwtmA==")
    assert scram_verifier("pencil", salt) == (
        "SCRAM-SHA-256$4096:LzCvF13H8MXd6WVgwMwtmA=="
        "$mr42YW8pGxKkyD8slsMHSjMi2GAfy5SFu04o4v2OsX0="
        ":FGWgxFdw3ove1Cs5QJFAAd/3SDGSCq6MiIBI6Jnim6s="
    )
    assert scram_verifier("pencil") != scram_verifier("pencil")
    assert new_password() != new_password()
