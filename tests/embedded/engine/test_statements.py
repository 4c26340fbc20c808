import re

import asyncpg
import psycopg
import pytest

from embedded.database import EmbeddedDatabase

from .conftest import Connect, ConnectPsycopg, ConnectWire
from .wire_client import EXECUTE, FLUSH, SYNC, WireClient, bind, close, describe, parse, query


def first_values(wire: WireClient) -> list[bytes]:
    """The first value of each row up to the next ReadyForQuery."""
    return [item.body[6:] for item in wire.read_until_ready() if item.type == "D"]


def test_two_clients_use_one_name_for_different_statements(connect_wire: ConnectWire) -> None:
    first, second = connect_wire(), connect_wire()
    for wire, value in ((first, "one"), (second, "two")):
        wire.login()
        wire.send(parse(f"SELECT '{value}'", "shared"), SYNC)
        assert wire.types() == "1Z"
    for wire, expected in ((first, b"one"), (second, b"two")):
        wire.send(bind("shared"), EXECUTE, SYNC)
        assert first_values(wire) == [expected]


def test_names_that_differ_only_after_63_bytes_are_different(connect_wire: ConnectWire) -> None:
    wire = connect_wire()
    wire.login()
    names = ["n" * 70 + "a", "n" * 70 + "b"]
    for name in names:
        wire.send(parse(f"SELECT '{name[-1]}'", name), SYNC)
        assert wire.types() == "1Z"
    wire.send(bind(names[0]), EXECUTE, SYNC)
    assert wire.read_until_ready()[1].body[6:] == b"a"


@pytest.mark.parametrize("command", ["DISCARD ALL", "DEALLOCATE ALL"])
async def test_named_statements_survive_another_clients_deallocation(
    connect: Connect, command: str
) -> None:
    owner, other = await connect(), await connect()
    statement = await owner.prepare("SELECT $1::int * 2")
    await other.execute(command)
    assert await statement.fetchval(21) == 42


def test_an_unnamed_statement_survives_those_of_other_clients(connect_wire: ConnectWire) -> None:
    owner, other = connect_wire(), connect_wire()
    owner.login()
    other.login()
    owner.send(parse("SELECT 'mine'"), describe(), FLUSH)
    assert [owner.read().type for _ in range(3)] == ["1", "t", "T"]
    other.send(parse("SELECT 'other'"), bind(), EXECUTE, SYNC)
    assert other.types() == "12DCZ"
    owner.send(bind(), EXECUTE, SYNC)
    assert first_values(owner) == [b"mine"]


def test_a_client_that_has_only_prepared_does_not_hold_the_engine(
    connect_wire: ConnectWire,
) -> None:
    preparing, other = connect_wire(), connect_wire()
    preparing.login()
    preparing.send(parse("SELECT 1", "prepared"), describe("prepared"), FLUSH)
    assert [preparing.read().type for _ in range(3)] == ["1", "t", "T"]
    other.login()
    assert other.value("SELECT 'served'") == "served"
    preparing.send(SYNC)
    assert preparing.types() == "Z"


def test_an_error_while_preparing_skips_to_the_clients_own_sync(connect_wire: ConnectWire) -> None:
    wire, other = connect_wire(), connect_wire()
    wire.login()
    other.login()
    wire.send(parse("SELECT nonsense", "bad"), describe("bad"), FLUSH)
    assert wire.read().fields["C"] == "42703"
    assert other.value("SELECT 'served'") == "served"
    wire.send(parse("SELECT 1"), bind(), EXECUTE, FLUSH, SYNC)
    assert wire.types() == "Z"
    assert wire.value("SELECT 'again'") == "again"


def test_execute_and_flush_hold_the_transaction_open_until_sync(connect_wire: ConnectWire) -> None:
    wire, other = connect_wire(), connect_wire()
    wire.login()
    other.login()
    other.simple_query("CREATE TABLE flushed (n int)")
    wire.send(parse("INSERT INTO flushed VALUES (1)"), bind(), EXECUTE, FLUSH)
    assert [wire.read().type for _ in range(3)] == ["1", "2", "C"]
    other.send(query("SELECT count(*) FROM flushed"))
    wire.send(parse("SELECT 1 / count(*) FROM flushed WHERE false"), bind(), EXECUTE, SYNC)
    assert wire.types() == "12EZ"
    assert first_values(other) == [b"0"]


def test_a_second_parse_of_a_name_fails_and_the_first_stays(connect_wire: ConnectWire) -> None:
    wire = connect_wire()
    wire.login()
    wire.send(parse("SELECT 'first'", "twice"), SYNC)
    assert wire.types() == "1Z"
    wire.send(parse("SELECT 'second'", "twice"), SYNC)
    assert wire.read_until_ready()[0].fields["C"] == "42P05"
    wire.send(bind("twice"), EXECUTE, SYNC)
    assert wire.read_until_ready()[1].body[6:] == b"first"


def test_a_closed_statement_is_gone(connect_wire: ConnectWire) -> None:
    wire = connect_wire()
    wire.login()
    wire.send(parse("SELECT 1", "short"), close("short"), bind("short"), EXECUTE, SYNC)
    types = wire.types()
    assert re.fullmatch("13EZ", types), types


def test_deallocate_removes_what_the_protocol_prepared(psycopg_connect: ConnectPsycopg) -> None:
    connection = psycopg_connect()
    connection.pgconn.prepare(b"By_Protocol", b"SELECT 1")
    connection.execute('DEALLOCATE "By_Protocol"')
    result = connection.pgconn.exec_prepared(b"By_Protocol", None)
    assert b"does not exist" in result.error_message


async def test_asyncpg_survives_a_schema_change_under_its_cached_statement(
    connect: Connect,
) -> None:
    connection, other = await connect(), await connect()
    await connection.execute("CREATE TABLE changing (a int)")
    assert await connection.fetch("SELECT * FROM changing") == []
    await other.execute("ALTER TABLE changing ADD COLUMN b int")
    assert await connection.fetch("SELECT * FROM changing") == []


async def test_a_dropped_table_is_an_error_that_does_not_end_the_session(connect: Connect) -> None:
    connection, other = await connect(), await connect()
    await connection.execute("CREATE TABLE dropped (a int)")
    statement = await connection.prepare("SELECT * FROM dropped")
    await other.execute("DISCARD ALL")
    await other.execute("DROP TABLE dropped")
    with pytest.raises(asyncpg.UndefinedTableError):
        await statement.fetch()
    assert await connection.fetchval("SELECT 1") == 1


def test_statements_of_a_closed_connection_are_removed(
    engine: EmbeddedDatabase, psycopg_connect: ConnectPsycopg
) -> None:
    with psycopg.connect(engine.url) as closing:
        closing.execute("SELECT 'left behind'", prepare=True)
    names = psycopg_connect().execute(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%left behind%'"
        " AND statement NOT LIKE '%pg_prepared%'"
    )
    assert names.fetchone() == (0,)
