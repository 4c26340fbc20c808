import os
import struct
from collections.abc import Iterator

import pytest

from embedded.database import EmbeddedDatabase

from .conftest import ConnectPsycopg, Dial
from .wire import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    PROTOCOL_3,
    SSL_REQUEST,
    SYNC,
    TERMINATE,
    message,
    query,
    startup,
)


@pytest.fixture(autouse=True)
def others_go_on(psycopg_connect: ConnectPsycopg) -> Iterator[None]:
    """Whatever a client does, another one is served afterwards, by the same engine."""
    connection = psycopg_connect()
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS alive AS SELECT 42 AS answer")
    yield
    assert connection.execute("SELECT answer FROM alive").fetchone() == (42,)


@pytest.mark.parametrize("code", [SSL_REQUEST, GSS_REQUEST])
def test_encryption_is_declined_and_the_session_goes_on(dial: Dial, code: int) -> None:
    wire = dial()
    wire.send(startup(code))
    assert wire.read_bytes(1) == b"N"
    wire.login()
    assert wire.value("SELECT 1") == "1"


@pytest.mark.parametrize(
    "garbage",
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
def test_a_garbage_start_is_refused(dial: Dial, garbage: bytes) -> None:
    wire = dial()
    wire.send(garbage)
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
def test_a_malformed_message_ends_its_session_only(dial: Dial, malformed: bytes) -> None:
    wire = dial()
    wire.login()
    wire.send(malformed, SYNC)
    assert wire.read().fields["C"] == "08P01"
    assert wire.read().type == ""


@pytest.mark.parametrize("kind", list("QPBEDCFdcf"))
def test_random_bytes_in_a_message_do_not_harm_the_engine(dial: Dial, kind: str) -> None:
    for size in (0, 1, 7, 100):
        wire = dial()
        wire.login()
        wire.send(message(kind, os.urandom(size)), SYNC, TERMINATE)
        while wire.read().type != "":
            pass


def test_a_client_that_only_connects_holds_nothing(dial: Dial) -> None:
    silent, other = dial(), dial()
    silent.send(b"\0\0")
    other.login()
    assert other.value("SELECT 1") == "1"


def test_an_empty_query_is_answered_as_natively(dial: Dial) -> None:
    wire = dial()
    wire.login()
    wire.send(query(""))
    assert wire.types() == "IZ"


def test_a_function_call_is_answered(dial: Dial) -> None:
    wire = dial()
    wire.login()
    oid = int(wire.value("SELECT 'int4pl'::regproc::oid"))
    arguments = struct.pack("!ihhi2si2sh", oid, 0, 2, 2, b"40", 2, b"02", 0)
    wire.send(message("F", arguments))
    answer = wire.read_until_ready()
    assert [item.type for item in answer] == ["V", "Z"]
    assert answer[0].body[4:] == b"42"


def test_several_statements_in_one_query_are_one_transaction(dial: Dial) -> None:
    wire = dial()
    wire.login()
    wire.ask("CREATE TABLE together (n int)")
    wire.send(query("INSERT INTO together VALUES (1); SELECT 1 / 0"))
    assert wire.types() == "CEZ"
    assert wire.value("SELECT count(*) FROM together") == "0"


def test_queries_before_terminate_are_carried_out(dial: Dial) -> None:
    wire, other = dial(), dial()
    wire.login()
    other.login()
    other.ask("CREATE TABLE parting (n int)")
    wire.send(query("INSERT INTO parting VALUES (1)"), query("INSERT INTO parting VALUES (2)"))
    wire.send(TERMINATE)
    while wire.read().type != "":
        pass
    assert other.value("SELECT count(*) FROM parting") == "2"


def test_another_database_does_not_exist(dial: Dial) -> None:
    assert dial().login(database="other")[0].fields["C"] == "3D000"


def test_newer_minor_versions_are_negotiated_down(dial: Dial) -> None:
    wire = dial()
    body = b"user\0postgres\0database\0postgres\0_pq_.unknown\0on\0\0"
    wire.send(startup(PROTOCOL_3 + 2, body))
    first = wire.read()
    assert first.type == "v"
    assert first.body == struct.pack("!ii", 0, 1) + b"_pq_.unknown\0"
    assert wire.types().endswith("KZ")


def test_a_cancel_request_with_a_wrong_secret_does_nothing(
    dial: Dial, engine: EmbeddedDatabase
) -> None:
    wire, canceller = dial(engine), dial()
    wire.login()
    wire.send(query("SELECT pg_sleep(0.3)"))
    canceller.send(startup(CANCEL_REQUEST, struct.pack("!ii", wire.pid, wire.secret ^ 1)))
    assert canceller.read().type == ""
    assert wire.types() == "TDCZ"


def test_sessions_have_unguessable_secrets_and_ids_of_their_own(dial: Dial) -> None:
    wires = [dial() for _ in range(5)]
    for wire in wires:
        wire.login()
    assert len({wire.pid for wire in wires}) == 5
    assert len({wire.secret for wire in wires}) == 5


def test_a_rollback_brings_no_warning_that_a_native_server_would_not_give(dial: Dial) -> None:
    wire = dial()
    wire.login()
    wire.send(query("CREATE TABLE undone (n int); SELECT 1 / 0"))
    assert wire.types() == "CEZ"
