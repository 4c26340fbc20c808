"""The features of TimescaleDB that the platform uses, through the server."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from embedded.database import EmbeddedDatabase

from .conftest import Connect, StartEngine

ROLLUP = """
CREATE MATERIALIZED VIEW {name}
WITH (timescaledb.continuous, timescaledb.materialized_only = {materialized_only})
AS SELECT time_bucket('{width}', {time}) AS bucket, sum({value}) AS total
FROM {source} GROUP BY 1 WITH NO DATA
"""


def rollup(name: str, source: str, *, materialized_only: bool = False, daily: bool = False) -> str:
    return ROLLUP.format(
        name=name,
        source=source,
        materialized_only=materialized_only,
        width="1 day" if daily else "1 hour",
        time="bucket" if daily else "ts",
        value="total" if daily else "value",
    )


async def create_hypertable(connection: asyncpg.Connection, name: str) -> None:
    await connection.execute(
        f"CREATE TABLE {name} (ts timestamptz NOT NULL, sensor text, value double precision)"
    )
    await connection.execute(f"SELECT create_hypertable('{name}', 'ts')")
    await connection.execute(
        f"INSERT INTO {name} SELECT ts, 'a', 1 FROM"  # names of this file
        " generate_series('2024-01-01'::timestamptz, '2024-01-20 23:59', '1 minute') ts"
    )


async def wait_for(connection: asyncpg.Connection, condition: str) -> None:
    async with asyncio.timeout(20):
        while not await connection.fetchval(condition):  # noqa: ASYNC110 # SQL has no events
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture
async def fast_timer_connection(
    fast_timer_engine: EmbeddedDatabase,
) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fast_timer_engine.url)
    yield connection
    await connection.close()


async def test_hypertables_have_chunks(connect: Connect) -> None:
    connection = await connect()
    await create_hypertable(connection, "chunked")
    chunks = await connection.fetchval("SELECT count(*) FROM show_chunks('chunked')")
    assert chunks > 2
    assert await connection.fetchval("SELECT count(*) FROM chunked") == 28_800


async def test_hierarchical_continuous_aggregates_refresh_and_stay_real_time(
    connect: Connect,
) -> None:
    connection = await connect()
    await create_hypertable(connection, "rolled")
    await connection.execute(rollup("rolled_1h", "rolled"))
    await connection.execute(rollup("rolled_1d", "rolled_1h", daily=True))
    days = "SELECT count(*), min(total), max(total) FROM rolled_1d"
    assert [tuple(row) for row in await connection.fetch(days)] == [(20, 1440, 1440)]
    for view in ("rolled_1h", "rolled_1d"):
        await connection.execute(f"CALL refresh_continuous_aggregate('{view}', NULL, NULL)")
    await connection.execute("INSERT INTO rolled VALUES ('2024-02-10', 'a', 5)")
    assert await connection.fetchval("SELECT sum(total) FROM rolled_1d") == 28_805


async def test_an_unrefreshed_aggregate_is_empty_and_a_refresh_materializes_its_range(
    connect: Connect,
) -> None:
    connection = await connect()
    await create_hypertable(connection, "ranged")
    await connection.execute(rollup("ranged_1h", "ranged", materialized_only=True))
    assert await connection.fetchval("SELECT count(*) FROM ranged_1h") == 0
    await connection.execute(
        "CALL refresh_continuous_aggregate('ranged_1h', '2024-01-02', '2024-01-04')"
    )
    assert await connection.fetchval("SELECT count(*) FROM ranged_1h") == 48


async def test_columnstore_compression_preserves_every_value(connect: Connect) -> None:
    connection = await connect()
    await create_hypertable(connection, "packed")
    await connection.execute(
        "ALTER TABLE packed SET (timescaledb.enable_columnstore,"
        " timescaledb.segmentby = 'sensor', timescaledb.orderby = 'ts DESC')"
    )
    for (chunk,) in await connection.fetch("SELECT show_chunks('packed')::text"):
        await connection.execute(f"CALL convert_to_columnstore('{chunk}')")
    stats = "SELECT number_compressed_chunks > 0, after_compression_total_bytes <"
    stats += " before_compression_total_bytes / 5 FROM hypertable_columnstore_stats('packed')"
    assert [tuple(row) for row in await connection.fetch(stats)] == [(True, True)]
    await connection.execute("INSERT INTO packed VALUES ('2024-01-05', 'b', 7)")
    assert await connection.fetchval("SELECT sum(value) FROM packed") == 28_807


async def test_a_refresh_works_as_the_first_statement_after_a_restart(
    start_engine: StartEngine,
) -> None:
    database = await asyncio.to_thread(start_engine)
    connection = await asyncpg.connect(database.url)
    await create_hypertable(connection, "restarted")
    await connection.execute(rollup("restarted_1h", "restarted", materialized_only=True))
    await connection.close()
    await asyncio.to_thread(database.stop)
    database = await asyncio.to_thread(start_engine)
    connection = await asyncpg.connect(database.url)
    await connection.execute("CALL refresh_continuous_aggregate('restarted_1h', NULL, NULL)")
    assert await connection.fetchval("SELECT count(*) FROM restarted_1h") == 480
    await connection.close()


async def test_policies_run_automatically(fast_timer_connection: asyncpg.Connection) -> None:
    await create_hypertable(fast_timer_connection, "governed")
    await fast_timer_connection.execute(
        "ALTER TABLE governed SET (timescaledb.enable_columnstore,"
        " timescaledb.segmentby = 'sensor')"
    )
    await fast_timer_connection.execute(rollup("governed_1h", "governed", materialized_only=True))
    await fast_timer_connection.execute(
        "SELECT add_continuous_aggregate_policy('governed_1h', NULL, '1 hour', '1 hour')"
    )
    await fast_timer_connection.execute(
        "CALL add_columnstore_policy('governed', after => INTERVAL '1 day')"
    )
    await wait_for(fast_timer_connection, "SELECT count(*) = 480 FROM governed_1h")
    await wait_for(
        fast_timer_connection,
        "SELECT bool_and(is_compressed) FROM timescaledb_information.chunks"
        " WHERE hypertable_name = 'governed'",
    )


async def test_only_due_jobs_run_and_telemetry_never(
    fast_timer_connection: asyncpg.Connection,
) -> None:
    await fast_timer_connection.execute("CREATE TABLE runs (job int)")
    await fast_timer_connection.execute(
        "CREATE PROCEDURE record_run(job_id int, config jsonb) LANGUAGE sql"
        " AS 'INSERT INTO runs VALUES (job_id)'"
    )
    often = await fast_timer_connection.fetchval("SELECT add_job('record_run', '100 milliseconds')")
    once = await fast_timer_connection.fetchval("SELECT add_job('record_run', '1 hour')")
    later = await fast_timer_connection.fetchval(
        "SELECT add_job('record_run', '1 hour', initial_start => now() + interval '1 hour')"
    )
    await fast_timer_connection.execute(
        "INSERT INTO _timescaledb_config.bgw_job (id, application_name, schedule_interval,"
        " max_runtime, max_retries, retry_period, proc_schema, proc_name, scheduled)"
        " VALUES (900, 'Telemetry', '1 hour', '0', 0, '1 hour', 'public', 'policy_telemetry', true)"
        " ON CONFLICT DO NOTHING"
    )
    await wait_for(
        fast_timer_connection, f"SELECT count(*) >= 3 FROM runs WHERE job = {often}"
    )  # a number
    rows = await fast_timer_connection.fetch("SELECT job, count(*) FROM runs GROUP BY job")
    counts = {row[0]: row[1] for row in rows}
    await fast_timer_connection.execute(f"SELECT delete_job({often})")
    assert counts[once] == 1
    assert later not in counts


async def test_the_engine_stops_while_a_policy_runs_endlessly(
    start_engine: StartEngine,
) -> None:
    database = await asyncio.to_thread(start_engine, "--policy-interval-seconds=0.1")
    connection = await asyncpg.connect(database.url)
    await connection.execute(
        "CREATE PROCEDURE sleeps(job_id int, config jsonb) LANGUAGE sql AS 'SELECT pg_sleep(60)'"
    )
    await connection.execute("SELECT add_job('sleeps', '1 hour')")
    waiting = asyncio.ensure_future(connection.execute("SELECT pg_sleep(0.2)"))
    await asyncio.wait({waiting}, timeout=1)
    while waiting.done():  # until the policy has the engine
        waiting = asyncio.ensure_future(connection.execute("SELECT 1"))
        await asyncio.wait({waiting}, timeout=1)
    assert await asyncio.to_thread(database.stop) == 0
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await waiting


async def test_a_failing_policy_does_not_stop_the_others(
    fast_timer_connection: asyncpg.Connection, fast_timer_engine: EmbeddedDatabase
) -> None:
    await fast_timer_connection.execute("CREATE TABLE after_failure (job int)")
    await fast_timer_connection.execute(
        "CREATE PROCEDURE always_fails(job_id int, config jsonb) LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$"
    )
    await fast_timer_connection.execute(
        "CREATE PROCEDURE succeeds(job_id int, config jsonb) LANGUAGE sql"
        " AS 'INSERT INTO after_failure VALUES (job_id)'"
    )
    failing = await fast_timer_connection.fetchval("SELECT add_job('always_fails', '1 hour')")
    await fast_timer_connection.fetchval("SELECT add_job('succeeds', '1 hour')")
    await wait_for(fast_timer_connection, "SELECT count(*) = 1 FROM after_failure")
    log = fast_timer_engine.program.log_path.read_text()
    assert f'"job":{failing},"reason":"Error: broken on purpose"' in log


async def test_many_written_rows_are_analyzed_automatically(
    fast_timer_connection: asyncpg.Connection,
) -> None:
    await fast_timer_connection.execute("CREATE TABLE analyzed (n int)")
    await fast_timer_connection.execute("INSERT INTO analyzed SELECT generate_series(1, 30000)")
    await wait_for(
        fast_timer_connection,
        "SELECT reltuples = 30000 FROM pg_class WHERE oid = 'analyzed'::regclass",
    )


async def test_many_dead_rows_are_vacuumed_automatically(
    fast_timer_connection: asyncpg.Connection,
) -> None:
    await fast_timer_connection.execute("CREATE TABLE vacuumed (n int)")
    await fast_timer_connection.execute("INSERT INTO vacuumed SELECT generate_series(1, 60000)")
    await fast_timer_connection.execute("DELETE FROM vacuumed WHERE n > 100")
    await wait_for(
        fast_timer_connection,
        "SELECT pg_relation_size('vacuumed') <= 8192",
    )


async def test_much_wal_is_checkpointed_automatically(
    fast_timer_connection: asyncpg.Connection,
) -> None:
    redo = "SELECT redo_lsn::text FROM pg_control_checkpoint()"
    before = await fast_timer_connection.fetchval(redo)
    await fast_timer_connection.execute("CREATE TABLE logged (filler text)")
    await fast_timer_connection.execute("ALTER TABLE logged ALTER filler SET STORAGE EXTERNAL")
    for _ in range(3):
        await fast_timer_connection.execute(
            "INSERT INTO logged SELECT repeat('x', 1000000) FROM generate_series(1, 100)"
        )
    moved = f"SELECT redo_lsn > '{before}' FROM pg_control_checkpoint()"  # an LSN
    await wait_for(fast_timer_connection, moved)
    await fast_timer_connection.execute("DROP TABLE logged")
