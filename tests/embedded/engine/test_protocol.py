import os
import struct
from collections.abc import Iterator

import pytest

from embedded.database import EmbeddedDatabase

from .conftest import ConnectPsycopg, ConnectWire
from .wire_client import (
    CANCEL_REQUEST,
    GSSENC_REQUEST,
    PROTOCOL_3,
    SSL_REQUEST,
    SYNC,
    TERMINATE,
    message,
    query,
    startup,
)


@pytest.fixture(autouse=True)
def other_clients_are_served(psycopg_connect: ConnectPsycopg) -> Iterator[None]:
    """After each test the same engine serves another client: it has not crashed."""
    connection = psycopg_connect()
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS alive AS SELECT 42 AS number")
    yield
    assert connection.execute("SELECT number FROM alive").fetchone() == (42,)


@pytest.mark.parametrize("code", [SSL_REQUEST, GSSENC_REQUEST])
def test_encryption_is_refused_and_the_session_goes_on(
    connect_wire: ConnectWire, code: int
) -> None:
    wire = connect_wire()
    wire.send(startup(code))
    assert wire.read_bytes(1) == b"N"
    wire.login()
    assert wire.value("SELECT 1") == "1"


@pytest.mark.parametrize(
    "packet",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 64,
        b"\xff" * 64,
        struct.pack("!ii", 7, PROTOCOL_3),
        startup(PROTOCOL_3, b"user\0postgres"),
        startup(PROTOCOL_3, b"\0"),
        startup(2 << 16, b"user\0postgres\0\0"),
        struct.pack("!i", 1 << 30) + b"x" * 100,
    ],
    ids=["http", "zeros", "ones", "short", "unterminated", "nobody", "version_2", "huge"],
)
def test_a_malformed_startup_packet_is_rejected(connect_wire: ConnectWire, packet: bytes) -> None:
    wire = connect_wire()
    wire.send(packet)
    assert wire.read().fields["C"] == "08P01"
    assert wire.read().type == ""


@pytest.mark.parametrize(
    "malformed",
    [
        b"\0\0\0\0\4",
        message("p", b"password\0"),
        message("y"),
        b"Q" + struct.pack("!i", 3),
        b"Q" + struct.pack("!i", -1),
        b"Q" + struct.pack("!i", (1 << 31) - 1),
        message("B", b"no terminator"),
        message("P", b"no terminator"),
    ],
    ids=["type_0", "password", "unknown", "length_3", "negative", "oversized", "bind", "parse"],
)
def test_a_malformed_message_ends_its_session_only(
    connect_wire: ConnectWire, malformed: bytes
) -> None:
    wire = connect_wire()
    wire.login()
    wire.send(malformed, SYNC)
    assert wire.read().fields["C"] == "08P01"
    assert wire.read().type == ""


@pytest.mark.parametrize("kind", list("QPBEDCFdcf"))
def test_random_bytes_in_a_message_do_not_harm_the_engine(
    connect_wire: ConnectWire, kind: str
) -> None:
    for size in (0, 1, 7, 100):
        wire = connect_wire()
        wire.login()
        wire.send(message(kind, os.urandom(size)), SYNC, TERMINATE)
        while wire.read().type != "":
            pass


def test_a_client_without_a_startup_message_does_not_hold_the_engine(
    connect_wire: ConnectWire,
) -> None:
    silent, other = connect_wire(), connect_wire()
    silent.send(b"\0\0")
    other.login()
    assert other.value("SELECT 1") == "1"


def test_an_empty_query_gets_the_native_response(connect_wire: ConnectWire) -> None:
    wire = connect_wire()
    wire.login()
    wire.send(query(""))
    assert wire.types() == "IZ"


def test_a_function_call_returns_its_result(connect_wire: ConnectWire) -> None:
    wire = connect_wire()
    wire.login()
    oid = int(wire.value("SELECT 'int4pl'::regproc::oid"))
    arguments = struct.pack("!ihhi2si2sh", oid, 0, 2, 2, b"40", 2, b"02", 0)
    wire.send(message("F", arguments))
    response = wire.read_until_ready()
    assert [item.type for item in response] == ["V", "Z"]
    assert response[0].body[4:] == b"42"


def test_several_statements_in_one_query_are_one_transaction(connect_wire: ConnectWire) -> None:
    wire = connect_wire()
    wire.login()
    wire.simple_query("CREATE TABLE together (n int)")
    wire.send(query("INSERT INTO together VALUES (1); SELECT 1 / 0"))
    assert wire.types() == "CEZ"
    assert wire.value("SELECT count(*) FROM together") == "0"


def test_queries_before_terminate_are_executed(connect_wire: ConnectWire) -> None:
    wire, other = connect_wire(), connect_wire()
    wire.login()
    other.login()
    other.simple_query("CREATE TABLE parting (n int)")
    wire.send(query("INSERT INTO parting VALUES (1)"), query("INSERT INTO parting VALUES (2)"))
    wire.send(TERMINATE)
    while wire.read().type != "":
        pass
    assert other.value("SELECT count(*) FROM parting") == "2"


def test_another_database_does_not_exist(connect_wire: ConnectWire) -> None:
    assert connect_wire().login(database="other")[0].fields["C"] == "3D000"


def test_newer_minor_versions_are_negotiated_down(connect_wire: ConnectWire) -> None:
    wire = connect_wire()
    body = b"user\0postgres\0database\0postgres\0_pq_.unknown\0on\0\0"
    wire.send(startup(PROTOCOL_3 + 2, body))
    first = wire.read()
    assert first.type == "v"
    assert first.body == struct.pack("!ii", 0, 1) + b"_pq_.unknown\0"
    assert wire.types().endswith("KZ")


def test_a_cancel_request_with_a_wrong_secret_does_nothing(
    connect_wire: ConnectWire, engine: EmbeddedDatabase
) -> None:
    wire, canceller = connect_wire(engine), connect_wire()
    wire.login()
    wire.send(query("SELECT pg_sleep(0.3)"))
    canceller.send(startup(CANCEL_REQUEST, struct.pack("!ii", wire.pid, wire.secret ^ 1)))
    assert canceller.read().type == ""
    assert wire.types() == "TDCZ"


def test_sessions_have_process_ids_and_secrets_of_their_own(connect_wire: ConnectWire) -> None:
    wires = [connect_wire() for _ in range(5)]
    for wire in wires:
        wire.login()
    assert len({wire.pid for wire in wires}) == 5
    assert len({wire.secret for wire in wires}) == 5


def test_a_rollback_sends_no_warning_that_a_native_server_does_not(
    connect_wire: ConnectWire,
) -> None:
    wire = connect_wire()
    wire.login()
    wire.send(query("CREATE TABLE undone (n int); SELECT 1 / 0"))
    assert wire.types() == "CEZ"
