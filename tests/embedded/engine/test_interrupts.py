import asyncio
import struct
import time

import asyncpg
import pytest

from embedded.database import EmbeddedDatabase

from .conftest import Connect, ConnectWire
from .wire_client import CANCEL_REQUEST, EXECUTE, SYNC, WireClient, bind, parse, query, startup

ENDLESS = "DO $$ BEGIN LOOP END LOOP; END $$"


def cancel(connect_wire: ConnectWire, wire: WireClient) -> None:
    canceller = connect_wire()
    canceller.send(startup(CANCEL_REQUEST, struct.pack("!ii", wire.pid, wire.secret)))
    assert canceller.read().type == ""


async def test_a_client_side_timeout_cancels_the_statement_on_the_server(connect: Connect) -> None:
    connection = await connect()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        await connection.execute("SELECT pg_sleep(60)", timeout=0.2)
    assert await connection.fetchval("SELECT 1") == 1
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "slow",
    [
        "SELECT pg_sleep(60)",
        "CREATE TEMP TABLE interrupted AS SELECT n FROM generate_series(1, 100000000) n",
        "SELECT count(*) FROM generate_series(1, 100000000)",
    ],
    ids=["sleep", "write", "temporary_files"],
)
async def test_statement_timeout_cancels_a_statement_and_not_the_session(
    connect: Connect, slow: str
) -> None:
    connection = await connect()
    await connection.execute("SET statement_timeout = '200ms'")
    with pytest.raises(asyncpg.QueryCanceledError, match="statement timeout"):
        await connection.execute(slow)
    assert await connection.fetchval("SHOW statement_timeout") == "200ms"


async def test_a_local_statement_timeout_applies_within_its_transaction(connect: Connect) -> None:
    connection = await connect()
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SET LOCAL statement_timeout = '100ms'")
    with pytest.raises(asyncpg.QueryCanceledError):
        await connection.execute("SELECT pg_sleep(60)")
    await transaction.rollback()
    assert await connection.fetchval("SHOW statement_timeout") == "0"


def test_a_running_statement_is_cancelled_and_its_transaction_aborted(
    connect_wire: ConnectWire,
) -> None:
    wire = connect_wire()
    wire.login()
    wire.simple_query("BEGIN")
    wire.send(query("SELECT pg_sleep(60)"))
    cancel(connect_wire, wire)
    response = wire.read_until_ready()
    assert next(item for item in response if item.type == "E").fields["C"] == "57014"
    assert response[-1].body == b"E"


def test_a_waiting_statement_is_cancelled_without_the_engine(connect_wire: ConnectWire) -> None:
    holder, waiter = connect_wire(), connect_wire()
    holder.login()
    waiter.login()
    holder.simple_query("BEGIN")
    waiter.send(query("SELECT 1"))
    cancel(connect_wire, waiter)
    assert [item.type for item in waiter.read_until_ready()] == ["E", "Z"]
    waiter.send(parse("SELECT 1"), bind(), EXECUTE, SYNC)
    holder.simple_query("COMMIT")
    assert waiter.types() == "12DCZ"


def test_cancelling_an_idle_client_affects_no_other(connect_wire: ConnectWire) -> None:
    idle, other = connect_wire(), connect_wire()
    idle.login()
    other.login()
    other.send(query("SELECT pg_sleep(0.2)"))
    cancel(connect_wire, idle)
    assert other.types() == "TDCZ"
    assert idle.value("SELECT 1") == "1"


async def test_a_computation_that_cannot_be_interrupted_disconnects_its_client_only(
    connect: Connect,
) -> None:
    victim, other = await connect(), await connect()
    await other.execute("SET application_name = 'survivor'")
    statement = await other.prepare("SELECT current_setting('application_name')")
    await victim.execute("SET statement_timeout = '100ms'")
    endless = asyncio.ensure_future(victim.execute(ENDLESS))
    assert await statement.fetchval() == "survivor"
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await endless


def test_every_client_is_served_whenever_one_is_cancelled(connect_wire: ConnectWire) -> None:
    wire, other = connect_wire(), connect_wire()
    wire.login()
    other.login()
    other.simple_query("SET work_mem = '5MB'")
    for _ in range(30):
        wire.send(query("SELECT 1"))
        other.send(query("SELECT 2"))
        cancel(connect_wire, wire)
        assert wire.types() in {"TDCZ", "EZ", "TEZ"}
        assert other.types() == "TDCZ"


async def test_the_engine_serves_while_a_disconnected_client_is_cleaned_up(
    engine: EmbeddedDatabase, connect: Connect
) -> None:
    observer = await connect()
    connections = [await asyncpg.connect(engine.url) for _ in range(20)]
    for number, connection in enumerate(connections):
        await connection.execute("BEGIN" if number % 2 else "SELECT 1")
        connection.terminate()
    assert await observer.fetchval("SELECT 1") == 1
