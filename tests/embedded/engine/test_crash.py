"""Clients survive a crash of the engine; committed data survives a kill of the process."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from subprocess import DEVNULL, PIPE

import asyncpg
import pytest

from embedded.database import EmbeddedDatabase, copy_template
from embedded.errors import StartFailedError
from embedded.node import EMBEDDED_FOLDER, find_node
from embedded.process import NodeProgram

from .conftest import Connect, StartEngine
from .wire_client import WireClient, query

# A function of the server, declared to take a number where it wants an address.
CRASH = """
CREATE FUNCTION crash(int) RETURNS text LANGUAGE internal STRICT AS 'textin'; SELECT crash(-16)
"""
# asyncpg raises the first while it waits for the response, else the second.
CRASHED = (asyncpg.CrashShutdownError, asyncpg.PostgresConnectionError)
KILL_ROUNDS = int(os.environ.get("SENSORFLOW_KILL_ROUNDS", "3"))
MAIN = EMBEDDED_FOLDER / "engine" / "main.mjs"


async def test_a_crash_disconnects_one_client_and_the_others_stay_connected(
    connect: Connect,
) -> None:
    victim, other = await connect(), await connect()
    await other.execute(
        "CREATE TABLE IF NOT EXISTS durable (n int); INSERT INTO durable VALUES (1)"
    )
    await other.execute("SET application_name = 'survivor'")
    statement = await other.prepare("SELECT current_setting('application_name')")
    payloads: asyncio.Queue[object] = asyncio.Queue()
    await other.add_listener("after_crash", lambda *details: payloads.put_nowait(details[-1]))
    with pytest.raises(CRASHED):
        await victim.execute(CRASH)
    assert await statement.fetchval() == "survivor"
    assert await other.fetchval("SELECT count(*) FROM durable") == 1
    await (await connect()).execute("NOTIFY after_crash, 'received'")
    assert await asyncio.wait_for(payloads.get(), 5) == "received"


async def test_a_crash_rolls_back_what_was_not_committed(connect: Connect) -> None:
    victim, other = await connect(), await connect()
    await other.execute("CREATE TABLE half_done (n int)")
    await victim.execute("BEGIN; INSERT INTO half_done VALUES (1)")
    with pytest.raises(CRASHED):
        await victim.execute(CRASH)
    assert await other.fetchval("SELECT count(*) FROM half_done") == 0


async def test_a_deep_expression_is_computed(connect: Connect) -> None:
    connection = await connect()
    assert await connection.fetchval("SELECT " + "+".join(["1"] * 5000)) == 5000


async def test_endless_recursion_is_an_error_and_not_a_crash(connect: Connect) -> None:
    connection = await connect()
    await connection.execute(
        "CREATE FUNCTION deeper(n int) RETURNS int LANGUAGE plpgsql"
        " AS 'BEGIN RETURN deeper(n + 1); END'; SET max_stack_depth = '4MB'"
    )
    with pytest.raises(asyncpg.StatementTooComplexError):
        await connection.fetchval("SELECT deeper(1)")
    assert await connection.fetchval("SELECT 1") == 1


async def test_more_than_five_crashes_a_minute_end_the_program(start_engine: StartEngine) -> None:
    database = start_engine()
    for _ in range(6):
        connection = await asyncpg.connect(database.url)
        with pytest.raises(CRASHED):
            await connection.execute(CRASH)
        connection.terminate()
    assert database.program.wait(10) == 1


async def acknowledged_until_killed(database: EmbeddedDatabase, first: int) -> set[int]:
    """Insert numbers over several connections and kill meanwhile; the acknowledged ones."""
    acknowledged: set[int] = set()
    enough = asyncio.Event()

    async def insert(worker: int) -> None:
        connection = await asyncpg.connect(database.url)
        try:
            for n in range(first + worker, first + 10**6, 4):
                await connection.execute("INSERT INTO committed VALUES ($1)", n)
                acknowledged.add(n)
                if len(acknowledged) == 200:
                    enough.set()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()

    workers = [asyncio.ensure_future(insert(worker)) for worker in range(4)]
    await enough.wait()
    await asyncio.to_thread(database.kill)
    await asyncio.gather(*workers)
    return acknowledged


async def test_no_acknowledged_commit_is_lost_by_kill_9_under_load(
    start_engine: StartEngine,
) -> None:
    database = start_engine()
    connection = await asyncpg.connect(database.url)
    await connection.execute("CREATE TABLE committed (n int PRIMARY KEY)")
    await connection.close()
    acknowledged: set[int] = set()
    for round_number in range(KILL_ROUNDS):
        acknowledged |= await acknowledged_until_killed(database, round_number * 10**6)
        database = await asyncio.to_thread(start_engine)
        connection = await asyncpg.connect(database.url)
        stored = {row[0] for row in await connection.fetch("SELECT n FROM committed")}
        await connection.close()
        assert acknowledged <= stored


async def test_sigterm_completes_the_running_statement_and_is_fast(
    start_engine: StartEngine,
) -> None:
    database = start_engine()
    busy, idle, open_transaction = [await asyncpg.connect(database.url) for _ in range(3)]
    await busy.execute("CREATE TABLE finished (n int)")
    running = asyncio.ensure_future(
        busy.execute("INSERT INTO finished SELECT n FROM pg_sleep(0.3), generate_series(1, 7) n")
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0.1)  # the statement has to be running, which cannot be observed
    started = time.monotonic()
    os.kill(database.program.pid, signal.SIGTERM)
    assert await running == "INSERT 0 7"
    assert await asyncio.to_thread(database.program.wait, 5) == 0
    assert time.monotonic() - started < 2
    for connection in (busy, idle, open_transaction):
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.fetchval("SELECT 1")
    database = await asyncio.to_thread(start_engine)
    again = await asyncpg.connect(database.url)
    assert await again.fetchval("SELECT count(*) FROM finished") == 7
    await again.close()


@pytest.mark.parametrize("statement", ["SELECT pg_sleep(60)", "COPY unfinished FROM STDIN"])
async def test_sigterm_does_not_wait_for_an_endless_statement(
    start_engine: StartEngine, statement: str
) -> None:
    database = start_engine()
    wire = WireClient(database.port)
    wire.login()
    wire.simple_query("CREATE TABLE unfinished (n int)")
    wire.send(query(statement))
    if statement.startswith("COPY"):
        assert wire.read().type == "G"
    started = time.monotonic()
    assert await asyncio.to_thread(database.stop) == 0
    assert time.monotonic() - started < 5
    wire.close()


async def test_clients_are_notified_of_a_shutdown(start_engine: StartEngine) -> None:
    database = start_engine()
    idle = await asyncpg.connect(database.url)
    transaction = await asyncpg.connect(database.url)
    await transaction.execute("CREATE TABLE uncommitted (n int)")
    await transaction.execute("BEGIN; INSERT INTO uncommitted VALUES (1)")
    messages: list[str] = []
    for connection in (idle, transaction):
        connection.add_termination_listener(lambda _: messages.append("closed"))
    assert await asyncio.to_thread(database.stop) == 0
    await asyncio.sleep(0)
    assert messages == ["closed", "closed"]
    database = await asyncio.to_thread(start_engine)
    again = await asyncpg.connect(database.url)
    assert await again.fetchval("SELECT count(*) FROM uncommitted") == 0
    await again.close()


def test_a_second_engine_on_the_same_data_directory_is_rejected(
    start_engine: StartEngine,
) -> None:
    first = start_engine()
    with pytest.raises(
        StartFailedError, match=f"in use by process {first.program.pid}"
    ) as rejected:
        start_engine()
    assert rejected.value.code == "data_dir_locked"
    assert first.program.exit_status is None


def test_a_lock_of_a_dead_process_is_stale(start_engine: StartEngine) -> None:
    start_engine().kill()
    assert start_engine().program.exit_status is None


def test_a_lock_whose_pid_was_reused_is_stale(template: Path, tmp_path: Path) -> None:
    copy_template(template, tmp_path / "data")
    (tmp_path / "data" / "engine.lock").write_text(f"{os.getpid()} 1")
    with EmbeddedDatabase.start(tmp_path / "data") as database:
        assert database.port > 0


def test_a_port_in_use_is_rejected(
    engine: EmbeddedDatabase, template: Path, tmp_path: Path
) -> None:
    copy_template(template, tmp_path / "data")
    with pytest.raises(StartFailedError, match=f"port {engine.port} is taken") as rejected:
        EmbeddedDatabase.start(tmp_path / "data", port=engine.port)
    assert rejected.value.code == "port_in_use"


def test_a_kill_during_initdb_leaves_a_data_directory_that_starts(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    unfinished = data_dir / "cluster.unfinished"
    program = [str(find_node().executable), str(MAIN), "--data-dir", str(data_dir)]
    with subprocess.Popen(program, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not (unfinished / "base").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    assert (unfinished / "base").exists()
    assert not (data_dir / "cluster").exists()
    with EmbeddedDatabase.start(data_dir) as database:
        assert database.port > 0
    assert not unfinished.exists()


def test_an_address_other_than_loopback_is_rejected(start_engine: StartEngine) -> None:
    with pytest.raises(StartFailedError, match="loopback") as rejected:
        start_engine("--host=0.0.0.0")
    assert rejected.value.code == "usage"


@pytest.mark.parametrize("option", ["--port=x", "--unknown", "--idle-in-transaction-seconds=-1"])
def test_an_invalid_option_is_rejected(start_engine: StartEngine, option: str) -> None:
    with pytest.raises(StartFailedError) as rejected:
        start_engine(option)
    assert rejected.value.code == "usage"


@pytest.mark.parametrize("change", ["content", "version", "absence"])
def test_any_other_build_than_the_tested_one_is_rejected(tmp_path: Path, change: str) -> None:
    shutil.copytree(EMBEDDED_FOLDER / "engine", tmp_path / "engine")
    shutil.copy(EMBEDDED_FOLDER / "supervision.mjs", tmp_path)
    package = tmp_path / "node_modules" / "@unni-craftsman" / "pglite"
    (tmp_path / "package.json").write_text('{"type": "module"}')
    codes = {"content": "package_integrity", "version": "package_integrity"}
    if change != "absence":
        shutil.copytree(EMBEDDED_FOLDER / "node_modules" / "@unni-craftsman" / "pglite", package)
    if change == "content":
        with (package / "dist" / "timescaledb.tar.gz").open("ab") as archive:
            archive.write(b"\0")
    if change == "version":
        manifest = package / "package.json"
        manifest.write_text(manifest.read_text().replace("0.3.14", "0.3.15"))
    with pytest.raises(StartFailedError, match="npm ci") as rejected:
        NodeProgram.start(
            tmp_path / "engine" / "main.mjs",
            "--data-dir",
            str(tmp_path / "data"),
            log_path=tmp_path / "log",
        )
    assert rejected.value.code == codes.get(change, "package_missing")
    assert not (tmp_path / "data").exists()


def test_the_log_warns_against_production_use(engine: EmbeddedDatabase) -> None:
    assert "development, demos and tests only" in engine.program.log_path.read_text()
