"""Limits of the time for which a client may hold the engine, and of the server's memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from embedded.database import EmbeddedDatabase

from .conftest import Connect, ConnectWire, StartEngine
from .wire_client import EXECUTE, FLUSH, bind, message, parse, query


def resident_bytes(database: EmbeddedDatabase) -> int:
    status = Path(f"/proc/{database.program.pid}/status")
    if not status.exists():
        pytest.skip("this system has no /proc with a process's memory")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def test_a_client_idle_in_a_transaction_is_disconnected_and_rolled_back(
    connect_wire: ConnectWire, fast_timer_engine: EmbeddedDatabase
) -> None:
    holder, other = connect_wire(fast_timer_engine), connect_wire(fast_timer_engine)
    holder.login()
    other.login()
    other.simple_query("CREATE TABLE held_up (n int)")
    holder.simple_query("BEGIN; INSERT INTO held_up VALUES (1)")
    assert other.value("SELECT count(*) FROM held_up") == "0"
    assert holder.read().fields["C"] == "25P03"
    assert holder.read().type == ""


@pytest.mark.parametrize(
    "unfinished",
    [
        parse("SELECT 1") + bind() + EXECUTE + FLUSH,
        query("COPY awaited FROM STDIN") + message("d", b"1\n"),
        query("COPY awaited FROM STDIN") + message("d", b"1\n" * 100_000)[:-5],
    ],
    ids=["no_sync", "no_copy_data", "half_a_message"],
)
def test_a_client_that_the_engine_waits_for_is_disconnected(
    connect_wire: ConnectWire, fast_timer_engine: EmbeddedDatabase, unfinished: bytes
) -> None:
    holder, other = connect_wire(fast_timer_engine), connect_wire(fast_timer_engine)
    holder.login()
    other.login()
    other.simple_query("CREATE TABLE IF NOT EXISTS awaited (n int)")
    holder.send(unfinished)
    assert other.value("SELECT count(*) FROM awaited") == "0"
    last = holder.read()
    while last.type not in {"E", ""}:
        last = holder.read()
    assert last.fields["C"] == "25P03"


def test_a_slow_client_that_is_not_idle_stays_in_its_transaction(
    connect_wire: ConnectWire, fast_timer_engine: EmbeddedDatabase
) -> None:
    wire = connect_wire(fast_timer_engine)
    wire.login()
    wire.simple_query("BEGIN")
    for _ in range(4):
        time.sleep(0.2)  # twice of it would exceed the idle timeout
        assert wire.value("SELECT 1") == "1"
    assert wire.simple_query("COMMIT")[-1].body == b"I"


def test_a_client_that_does_not_read_its_results_is_disconnected(
    connect_wire: ConnectWire, fast_timer_engine: EmbeddedDatabase
) -> None:
    stalled, other = connect_wire(fast_timer_engine), connect_wire(fast_timer_engine)
    stalled.login()
    other.login()
    stalled.send(query("SELECT repeat('x', 10000) FROM generate_series(1, 100000)"))
    assert stalled.read().type == "T"
    assert other.value("SELECT 'served'") == "served"
    log = fast_timer_engine.program.log_path.read_text()
    assert (
        f'"a client does not read its results; closing its connection","pid":{stalled.pid}' in log
    )


def test_a_slow_reader_gets_everything(
    connect_wire: ConnectWire, fast_timer_engine: EmbeddedDatabase
) -> None:
    slow = connect_wire(fast_timer_engine)
    slow.login()
    slow.send(query("SELECT repeat('x', 10000) FROM generate_series(1, 6000)"))
    rows = 0
    while (item := slow.read()).type != "Z":
        rows += item.type == "D"
        if rows % 2000 == 1999:
            time.sleep(0.3)  # slower than the engine, faster than its timeout
    assert rows == 6000


async def test_large_results_large_copies_and_slow_readers_need_little_memory(
    start_engine: StartEngine,
) -> None:
    database = await asyncio.to_thread(start_engine)
    connection = await asyncpg.connect(database.url)
    await connection.execute("CREATE TABLE wide (filler text)")
    before = resident_bytes(database)
    chunk = b"x" * 999 + b"\n"

    async def source() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield chunk * 1000

    await connection.copy_to_table("wide", source=source(), format="csv")
    received = 0

    async def sink(data: bytes) -> None:
        nonlocal received
        received += len(data)
        if received % 50 == 0:
            await asyncio.sleep(0.01)

    await connection.copy_from_table("wide", output=sink, format="csv")
    assert received == 100_000_000
    await connection.fetchval("SELECT count(filler) FROM wide")
    await connection.close()
    assert resident_bytes(database) - before < 250_000_000


async def test_a_message_of_many_megabytes_arrives_whole(connect: Connect) -> None:
    connection = await connect()
    text = "x" * 30_000_000
    assert await connection.fetchval("SELECT length($1::text)", text) == len(text)
    assert await connection.fetchval("SELECT repeat('x', 30000000)") == text


async def test_the_engine_alternates_between_clients_with_queued_queries(
    connect_wire: ConnectWire, connect: Connect
) -> None:
    greedy = connect_wire()
    greedy.login()
    greedy.send(query("SELECT pg_sleep(0.01)") * 300)
    started = time.monotonic()
    assert await (await connect()).fetchval("SELECT 1") == 1
    assert time.monotonic() - started < 1.5
