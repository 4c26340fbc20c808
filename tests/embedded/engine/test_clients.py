import asyncio
import shutil
import subprocess
from itertools import count

import asyncpg
import psycopg
import pytest
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from embedded.database import EmbeddedDatabase
from migrations.runner import downgrade, upgrade

from .conftest import Connect, ConnectPsycopg


async def test_every_client_library_reads_what_another_wrote(
    engine: EmbeddedDatabase, connect: Connect, psycopg_connect: ConnectPsycopg
) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE clients (name text)")
    await connection.execute("INSERT INTO clients VALUES ($1)", "asyncpg")
    psycopg_connect().execute("INSERT INTO clients VALUES (%s)", ("psycopg",))
    alchemy = create_async_engine(engine.url.replace("postgresql:", "postgresql+asyncpg:"))
    async with alchemy.begin() as transaction:
        await transaction.execute(
            text("INSERT INTO clients VALUES (:name)"), {"name": "sqlalchemy"}
        )
    async with alchemy.connect() as reader:
        names = (
            (await reader.execute(text("SELECT name FROM clients ORDER BY name"))).scalars().all()
        )
    await alchemy.dispose()
    assert names == ["asyncpg", "psycopg", "sqlalchemy"]


def test_psql_runs_queries_scripts_and_catalog_commands(engine: EmbeddedDatabase) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("this machine has no psql")
    script = "CREATE TABLE shown (a int);\n\\d shown\n\\dx\n\\copy shown FROM STDIN\n1\n2\n\\.\n"
    script += "SELECT sum(a) FROM shown;\n"
    run = subprocess.run(
        [psql, "-X", "-v", "ON_ERROR_STOP=1", engine.url],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert 'Table "public.shown"' in run.stdout
    assert "timescaledb" in run.stdout
    assert "   3\n" in run.stdout


async def test_transactions_of_many_clients_are_serial_and_complete(
    engine: EmbeddedDatabase, connect: Connect
) -> None:
    await (await connect()).execute("CREATE TABLE tally (n int); INSERT INTO tally VALUES (0)")
    async with asyncpg.create_pool(engine.url, min_size=8, max_size=8) as pool:

        async def increment() -> None:
            async with pool.acquire() as connection, connection.transaction():
                seen = await connection.fetchval("SELECT n FROM tally")
                await connection.execute("UPDATE tally SET n = $1", seen + 1)

        await asyncio.gather(*(increment() for _ in range(100)))
        assert await pool.fetchval("SELECT n FROM tally") == 100


async def test_other_clients_wait_for_the_end_of_a_transaction(connect: Connect) -> None:
    writer, reader = await connect(), await connect()
    await writer.execute("CREATE TABLE staged (n int)")
    transaction = writer.transaction()
    await transaction.start()
    await writer.execute("INSERT INTO staged VALUES (1)")
    reading = asyncio.ensure_future(reader.fetchval("SELECT count(*) FROM staged"))
    await writer.execute("INSERT INTO staged VALUES (2)")
    assert not reading.done()
    await transaction.rollback()
    assert await reading == 0


async def test_executemany_streams_more_than_a_message_batch(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE batch (n int, filler text)")
    rows = [(n, "x" * 100) for n in range(30_000)]
    await connection.executemany("INSERT INTO batch VALUES ($1, $2)", rows)
    assert await connection.fetchval("SELECT count(DISTINCT n) FROM batch") == 30_000


async def test_a_failing_executemany_stores_nothing_and_the_connection_stays_usable(
    connect: Connect,
) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE batch_unique (n int PRIMARY KEY, filler text)")
    rows = [(n % 29_000, "x" * 100) for n in range(30_000)]
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.executemany("INSERT INTO batch_unique VALUES ($1, $2)", rows)
    assert await connection.fetchval("SELECT count(*) FROM batch_unique") == 0


async def test_a_server_side_cursor_reads_on_within_its_transaction(connect: Connect) -> None:
    connection = await connect()
    async with connection.transaction():
        cursor = connection.cursor("SELECT generate_series(1, 1000)", prefetch=10)
        assert [row[0] async for row in cursor] == list(range(1, 1001))


def test_pipeline_mode_returns_every_result_in_order(psycopg_connect: ConnectPsycopg) -> None:
    connection = psycopg_connect()
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int", (n,)) for n in range(200)]
        assert [cursor.fetchone() for cursor in cursors] == [(n,) for n in range(200)]


def test_an_error_in_a_pipeline_skips_to_its_sync_and_no_further(
    psycopg_connect: ConnectPsycopg,
) -> None:
    connection = psycopg_connect()
    connection.execute("CREATE TABLE pipelined (n int)")
    with connection.pipeline() as pipeline:
        connection.execute("SELECT 1 / 0")
        connection.execute("INSERT INTO pipelined VALUES (1)")
        with pytest.raises(psycopg.errors.DivisionByZero):
            pipeline.sync()
        connection.execute("INSERT INTO pipelined VALUES (2)")
    assert connection.execute("SELECT n FROM pipelined").fetchall() == [(2,)]


async def test_a_result_description_stays_valid_while_others_query(connect: Connect) -> None:
    first, second = await connect(), await connect()
    statement = await first.prepare("SELECT $1::int + 1")
    assert await second.fetchval("SELECT 'unrelated'") == "unrelated"
    assert await statement.fetchval(41) == 42


async def test_pgqueuer_hands_every_job_to_one_of_two_workers_once(
    engine: EmbeddedDatabase,
) -> None:
    connections = [await asyncpg.connect(engine.url) for _ in range(3)]
    queries = Queries(AsyncpgDriver(connections[0]))
    await queries.install()
    handled: list[str] = []
    numbers = count(1)
    workers = [PgQueuer(AsyncpgDriver(connection)) for connection in connections[1:]]
    for worker in workers:

        @worker.entrypoint("note")
        async def note(job: Job) -> None:
            handled.append((job.payload or b"").decode())
            if next(numbers) == 20:
                for each in workers:
                    each.shutdown.set()

    tasks = [asyncio.ensure_future(worker.run()) for worker in workers]
    await queries.enqueue(["note"] * 20, [str(n).encode() for n in range(20)], [0] * 20)
    await asyncio.wait_for(asyncio.gather(*tasks), 20)
    await queries.uninstall()
    for connection in connections:
        await connection.close()
    assert sorted(handled, key=int) == [str(n) for n in range(20)]


async def test_the_platforms_migrations_run_up_and_down(engine: EmbeddedDatabase) -> None:
    await upgrade(engine.url)
    connection = await asyncpg.connect(engine.url)
    assert await connection.fetchval("SELECT count(*) FROM bi.readings") == 0
    await connection.close()
    await downgrade(engine.url, "base")
