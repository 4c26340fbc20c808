from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from embedded.database import EmbeddedDatabase

from .conftest import Connect, ConnectWire

BASE = {
    "search_path": '"$user", public',
    "client_min_messages": "notice",
    "enable_seqscan": "on",
    "TimeZone": "UTC",
    "application_name": "",
}


async def show(connection: asyncpg.Connection, name: str) -> str:
    return str(await connection.fetchval("SELECT current_setting($1, true)", name))


async def test_a_session_starts_with_the_base_settings(connect: Connect) -> None:
    connection = await connect()
    assert {name: await show(connection, name) for name in BASE} == BASE


@pytest.mark.parametrize("command", ["RESET ALL", "DISCARD ALL"])
async def test_reset_returns_to_the_base_settings(connect: Connect, command: str) -> None:
    connection = await connect()
    await connection.execute("SET search_path = pg_catalog; SET enable_seqscan = off")
    await connection.execute(command)
    assert {name: await show(connection, name) for name in BASE} == BASE


@pytest.mark.parametrize(
    "command",
    [
        "SET search_path = pg_catalog",
        "SELECT set_config('search_path', 'pg_catalog', false)",
        "DO $$ BEGIN PERFORM set_config('search_path', 'pg_catalog', false); END $$",
        "BEGIN; SET search_path = pg_catalog; COMMIT",
    ],
)
async def test_a_setting_applies_to_its_client_alone(connect: Connect, command: str) -> None:
    setter, other = await connect(), await connect()
    await setter.execute(command)
    assert await show(other, "search_path") == BASE["search_path"]
    assert await show(setter, "search_path") == "pg_catalog"
    assert await show(other, "search_path") == BASE["search_path"]


async def test_set_config_with_parameters_applies_to_its_client_alone(connect: Connect) -> None:
    setter, other = await connect(), await connect()
    set_config = "SELECT set_config($1, $2, false)"
    await setter.fetchval(set_config, "work_mem", "8MB")
    await setter.fetchval(set_config, "tenant.name", "first")
    await other.fetchval(set_config, "tenant.name", "second")
    assert await show(other, "work_mem") == "4MB"
    assert await show(setter, "work_mem") == "8MB"
    assert await show(setter, "tenant.name") == "first"
    assert await show(other, "tenant.name") == "second"


async def test_set_local_ends_with_its_transaction(connect: Connect) -> None:
    setter, other = await connect(), await connect()
    async with setter.transaction():
        await setter.execute("SET LOCAL work_mem = '9MB'")
        assert await show(setter, "work_mem") == "9MB"
    assert await show(other, "work_mem") == "4MB"
    assert await show(setter, "work_mem") == "4MB"


async def test_a_rolled_back_set_changes_nothing(connect: Connect) -> None:
    setter, other = await connect(), await connect()
    transaction = setter.transaction()
    await transaction.start()
    await setter.execute("SET work_mem = '9MB'")
    await transaction.rollback()
    assert await show(other, "work_mem") == "4MB"
    assert await show(setter, "work_mem") == "4MB"


@pytest_asyncio.fixture
async def reader(connect: Connect) -> AsyncIterator[asyncpg.Connection]:
    """A client whose user is a role of its own, between others whose users are the superuser."""
    admin = await connect()
    await admin.execute("CREATE ROLE reader LOGIN; CREATE ROLE helper; GRANT helper TO reader")
    await admin.execute("CREATE TABLE secret (i integer); GRANT SELECT ON secret TO helper")
    reader = await connect(user="reader")
    assert await admin.fetchval("SELECT session_user") == "postgres"
    yield reader
    await reader.close()
    await admin.execute("DROP TABLE secret; DROP ROLE reader; DROP ROLE helper")


@pytest.mark.parametrize("command", ["SELECT 1", "RESET ALL", "DISCARD ALL", "RESET ROLE"])
async def test_a_user_that_is_a_role_has_its_privileges_only(
    reader: asyncpg.Connection, connect: Connect, command: str
) -> None:
    await reader.execute(command)
    await (await connect()).execute("CREATE TEMPORARY TABLE between (i integer)")
    assert await reader.fetchval("SELECT session_user") == "reader"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute("CREATE TABLE public.intruder (i integer)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute("SET ROLE postgres")


async def test_a_user_keeps_the_role_that_it_has_set(
    reader: asyncpg.Connection, connect: Connect
) -> None:
    await reader.execute("SET ROLE helper")
    assert await (await connect()).fetchval("SELECT current_user") == "postgres"
    assert await reader.fetchval("SELECT current_user") == "helper"
    assert await reader.fetch("SELECT * FROM secret") == []


@pytest.mark.parametrize("user", ["nobody", "pg_monitor", "o'hara"])
async def test_any_other_user_is_the_superuser(connect: Connect, user: str) -> None:
    connection = await connect(user=user)
    assert await connection.fetchval("SELECT session_user") == "postgres"


async def test_a_role_applies_to_its_client_alone_until_reset_role(connect: Connect) -> None:
    setter, other = await connect(), await connect()
    await setter.execute("CREATE ROLE narrow; SET ROLE narrow")
    assert await other.fetchval("SELECT current_user") == "postgres"
    assert await setter.fetchval("SELECT current_user") == "narrow"
    await setter.execute("RESET ALL")
    assert await other.fetchval("SELECT current_user") == "postgres"
    assert await setter.fetchval("SELECT current_user") == "narrow"
    await setter.execute("RESET ROLE; DROP ROLE narrow")
    assert await setter.fetchval("SELECT current_user") == "postgres"


@pytest.mark.parametrize("reset", ["RESET ALL", "RESET timezone", "DISCARD ALL"])
async def test_start_up_settings_survive_reset(connect: Connect, reset: str) -> None:
    settings = {"timezone": "Asia/Tokyo", "application_name": "tester"}
    connection, other = await connect(server_settings=settings), await connect()
    await connection.execute("SET timezone = 'Europe/Paris'")
    await connection.execute(reset)
    assert await show(connection, "TimeZone") == "Asia/Tokyo"
    assert await show(other, "TimeZone") == "UTC"
    assert await show(connection, "TimeZone") == "Asia/Tokyo"
    assert await show(connection, "application_name") == "tester"


async def test_an_invalid_start_up_setting_is_rejected(connect: Connect) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError, match="TimeZone"):
        await connect(server_settings={"timezone": "Nowhere"})


def test_options_of_the_start_up_packet_are_settings(connect_wire: ConnectWire) -> None:
    wire = connect_wire()
    wire.login(options="-c work_mem=5MB --statement-timeout=7s -c application_name=a\\ b")
    assert wire.value("SHOW work_mem") == "5MB"
    assert wire.value("SHOW statement_timeout") == "7s"
    assert wire.value("SHOW application_name") == "a b"


def test_parameter_status_is_sent_at_start_and_at_every_change(connect_wire: ConnectWire) -> None:
    wire, other = connect_wire(), connect_wire()
    wire.login(application_name="reported")
    other.login()
    assert wire.parameters["application_name"] == "reported"
    assert wire.parameters["TimeZone"] == "UTC"
    assert wire.parameters["server_version"].startswith("17.")
    assert wire.parameters["standard_conforming_strings"] == "on"
    reported = [
        item.body for item in wire.simple_query("SET timezone = 'Asia/Tokyo'") if item.type == "S"
    ]
    assert reported == [b"TimeZone\0Asia/Tokyo\0"]
    assert [item.type for item in other.simple_query("SELECT 1")] == ["T", "D", "C", "Z"]


def test_an_encoding_other_than_utf8_is_rejected_at_start(connect_wire: ConnectWire) -> None:
    assert connect_wire().login(client_encoding="LATIN1")[0].fields["C"] == "0A000"


async def test_sqlalchemy_isolation_levels_apply_to_their_connections_alone(
    engine: EmbeddedDatabase,
) -> None:
    alchemy = create_async_engine(engine.url.replace("postgresql:", "postgresql+asyncpg:"))
    serializable = alchemy.execution_options(isolation_level="SERIALIZABLE")
    level = text("SHOW transaction_isolation")
    async with serializable.connect() as first:
        assert (await first.execute(level)).scalar() == "serializable"
    async with alchemy.connect() as second:
        assert (await second.execute(level)).scalar() == "read committed"
    await alchemy.dispose()
