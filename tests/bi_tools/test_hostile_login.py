"""What a hostile BI login tries: it is refused, and nothing that anyone else sees has changed.

The statements run with no limit of time, in transactions that may write, with the
schema of every name.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from core.database import CONNECTION_LOST, Connection, Pool
from jobs.maintenance.bi_sessions import end_long_bi_transactions
from tests.bi_tools.conftest import Login
from tests.cli.test_commands import sensorflow

pytestmark = pytest.mark.usefixtures("weather")

REVIEWED = Path(__file__).with_name("reviewed_routines.txt")
MAX_CONNECTIONS = 5  # by default
PAYLOAD = "repeat(md5(i::text), 249)"  # nearly as long as a notification may be
OF_ANOTHER = "FROM pg_stat_activity WHERE usename <> current_user AND usename IS NOT NULL"

# PostgreSQL refuses these for what the views are, before it looks at privileges.
VIEW_WRITES = (
    "INSERT INTO bi.readings (time, equipment_id, value) VALUES (now(), 'x', 1)",
    "UPDATE bi.readings SET value = 0",
    "UPDATE bi.equipment SET name = 'x'",
    "DELETE FROM bi.readings",
    "DELETE FROM bi.imports",
    "TRUNCATE bi.readings",
)
WRITES = (
    "INSERT INTO public.readings (ts, equipment_id, value) VALUES (now(), 'x', 1)",
    "DELETE FROM public.readings",
    "TRUNCATE public.readings",
    "SELECT nextval('queue.pgqueuer_id_seq')",
    "CREATE TABLE bi.intruder (i integer)",
    "CREATE TABLE public.intruder (i integer)",
    "CREATE TABLE _timescaledb_internal.intruder (i integer)",
    "CREATE TEMPORARY TABLE intruder (i integer)",
    "SELECT 1 AS i INTO TEMPORARY intruder",
    "CREATE TEMPORARY VIEW intruder AS SELECT 1",
    "CREATE FUNCTION pg_temp.intruder() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION bi.intruder() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE VIEW bi.readings AS SELECT 1 AS time",
    "CREATE RULE intruder AS ON SELECT TO bi.readings DO INSTEAD SELECT 1",
    "ALTER VIEW bi.readings RENAME TO intruder",
    "DROP VIEW bi.readings",
    "DROP SCHEMA bi CASCADE",
    "COMMENT ON VIEW bi.readings IS 'x'",
    "CREATE SCHEMA intruder",
    "CREATE DATABASE intruder",
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_logical_emit_message(false, 'x', 'x')",
)
READS = (
    "SELECT * FROM public.readings",
    "SELECT * FROM public.readings_1h",
    "SELECT * FROM public.imports",
    "SELECT * FROM public.sessions",
    "SELECT * FROM public.spent_tokens",
    "SELECT * FROM public.idempotency_keys",
    "SELECT * FROM public.live_listeners",
    "SELECT * FROM queue.pgqueuer",
    "TABLE public.sign_ins",
    "COPY public.sessions TO STDOUT",
    "SELECT query_to_xml('SELECT * FROM public.sessions', true, true, '')",
    "SELECT table_to_xml('public.sessions', true, true, '')",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_largeobject",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT * FROM pg_file_settings",
)
ROLES = (
    "SET ROLE sensorflow_app",
    "SET ROLE sensorflow_rollups",
    "SET SESSION AUTHORIZATION sensorflow_app",
    "GRANT sensorflow_app TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT 100",
    "ALTER ROLE CURRENT_USER SET temp_file_limit = -1",
    "ALTER ROLE sensorflow_bi SET search_path = public",
    "CREATE ROLE intruder",
    "DROP ROLE sensorflow_bi",
)
FILES_AND_PROGRAMS = (
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY bi.readings FROM PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/intruder'",
    "COPY bi.readings FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_stat_file('PG_VERSION')",
    "SELECT pg_ls_logdir()",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/intruder')",
    "LOAD 'dblink'",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw",
    "CREATE EXTENSION file_fdw",
    "CREATE FUNCTION pg_temp.intruder() RETURNS integer LANGUAGE c AS 'libc', 'getpid'",
    "CREATE FOREIGN DATA WRAPPER intruder",
    "CREATE SUBSCRIPTION intruder CONNECTION 'x' PUBLICATION x",
    "CREATE PUBLICATION intruder",
    "CREATE EVENT TRIGGER intruder ON ddl_command_start EXECUTE FUNCTION pg_sleep()",
    "CREATE TABLESPACE intruder LOCATION '/tmp'",
)
SERVER = (
    "ALTER SYSTEM SET work_mem = '1GB'",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "SELECT pg_switch_wal()",
    "SELECT pg_create_restore_point('x')",
    "SELECT pg_create_physical_replication_slot('x')",
    "SELECT pg_stat_reset()",
    "CHECKPOINT",
    "SET session_replication_role = replica",
    "SET log_statement = 'none'",
    "SET temp_file_limit = -1",
    f"SELECT pg_terminate_backend(pid) {OF_ANOTHER}",
    f"SELECT pg_cancel_backend(pid) {OF_ANOTHER}",
)
LOCKS = (
    "SELECT pg_advisory_lock(7463920118)",
    "SELECT pg_try_advisory_lock_shared(1, 1)",
    "SELECT pg_advisory_xact_lock(i) FROM generate_series(1, 1000000) AS i",
    "SELECT * FROM bi.readings FOR UPDATE",
    "SELECT * FROM bi.equipment FOR KEY SHARE",
    "BEGIN; LOCK TABLE bi.readings IN ROW SHARE MODE",
    "BEGIN; LOCK TABLE bi.readings IN ACCESS EXCLUSIVE MODE",
    "BEGIN; LOCK TABLE public.readings IN ACCESS SHARE MODE",
    "BEGIN; LOCK TABLE public.refresh_lease IN ACCESS SHARE MODE",
    "BEGIN; LOCK TABLE pg_catalog.pg_class IN ACCESS EXCLUSIVE MODE",
)
# {chunk} is one of the readings' chunks.
TIMESCALEDB = (
    "SELECT * FROM {chunk}",
    "DROP TABLE {chunk}",
    "SELECT _timescaledb_functions.drop_chunk('{chunk}')",
    "SELECT _timescaledb_internal.drop_chunk('{chunk}')",
    "SELECT _timescaledb_functions.freeze_chunk('{chunk}')",
    "SELECT _timescaledb_functions.unfreeze_chunk('{chunk}')",
    "SELECT _timescaledb_functions.attach_osm_table_chunk('{chunk}', '{chunk}')",
    "SELECT _timescaledb_functions.chunk_statistics_reset()",
    "SELECT _timescaledb_functions.stop_background_workers()",
    "SELECT _timescaledb_functions.restart_background_workers()",
    'SELECT _timescaledb_functions.policy_job_stat_history_retention(3, \'{{"drop_after": "0"}}\')',
    "SELECT public.drop_chunks('public.readings', now())",
    "SELECT public.compress_chunk('{chunk}')",
    "SELECT public.add_job('pg_catalog.pg_sleep', '1 second')",
    "SELECT public.alter_job(1000, scheduled => false)",
    "SELECT public.delete_job(1000)",
    "CALL public.run_job(1000)",
    "CALL public.refresh_continuous_aggregate('public.readings_1h', NULL, NULL)",
    "SELECT public.compress_readings(now())",
    "SELECT public.end_long_bi_transactions('0')",
    "UPDATE _timescaledb_catalog.chunk SET status = 0",
    "UPDATE _timescaledb_catalog.bgw_job SET scheduled = false",
)
# PostgreSQL carries these out, or only warns.
HARMLESS = (
    "GRANT SELECT ON bi.readings TO PUBLIC",
    "REVOKE SELECT ON bi.readings FROM sensorflow_bi",
    "ANALYZE bi.readings",
    "SELECT pg_export_snapshot()",
    "SELECT pg_advisory_unlock_all()",
    "SELECT pg_terminate_backend(1)",
    "BEGIN; LOCK TABLE bi.readings IN ACCESS SHARE MODE",
    "LISTEN data_changes; LISTEN ch_pgqueuer; NOTIFY data_changes; NOTIFY ch_pgqueuer",
    "PREPARE intruder AS SELECT 1; EXECUTE intruder",
    "DECLARE intruder CURSOR WITH HOLD FOR SELECT * FROM bi.readings LIMIT 10",
    "DO $$ BEGIN PERFORM 1; END $$",
    "CALL _timescaledb_functions.chunk_rewrite_cleanup()",
)
# Objects, privileges, roles, jobs and rows.
STATE = """
    SELECT
        (SELECT count(*) FROM pg_class WHERE relpersistence <> 't') AS relations,
        (SELECT count(*) FROM pg_proc) AS functions,
        (SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp') AS schemas,
        (SELECT count(*) FROM pg_largeobject_metadata) AS large_objects,
        (SELECT count(*) FROM pg_extension) AS extensions,
        (SELECT string_agg(jobs::text, ';' ORDER BY id) FROM _timescaledb_catalog.bgw_job AS jobs)
            AS jobs,
        (SELECT string_agg(concat(oid, relacl, relowner), ';' ORDER BY oid) FROM pg_class
            WHERE relnamespace IN ('bi'::regnamespace, 'public'::regnamespace)) AS privileges,
        (SELECT string_agg(concat(oid, rolsuper, rolcreaterole, rolconnlimit), ';' ORDER BY oid)
            FROM pg_roles WHERE rolname = $1) AS login,
        (SELECT count(*) FROM pg_auth_members WHERE member = $1::regrole) AS memberships,
        (SELECT string_agg(concat(id, status), ';' ORDER BY id) FROM _timescaledb_catalog.chunk)
            AS chunks,
        (SELECT concat(count(*), sum(value)) FROM public.readings) AS readings,
        (SELECT count(*) FROM public.equipment) AS equipment
"""


@pytest_asyncio.fixture
async def attacker(bi_login: Login) -> AsyncIterator[Connection]:
    """A session that has shed every limit that a session may shed."""
    connection = await asyncpg.connect(bi_login.url)
    await connection.execute(
        "SET default_transaction_read_only = off; SET statement_timeout = 0; SET lock_timeout = 0;"
        "SET idle_in_transaction_session_timeout = 0; SET search_path = bi, public"
    )
    yield connection
    connection.terminate()


@pytest_asyncio.fixture
async def nothing_changes(session_pool: Pool, bi_login: Login) -> AsyncIterator[None]:
    before = await session_pool.fetchrow(STATE, bi_login.user)
    yield
    assert await session_pool.fetchrow(STATE, bi_login.user) == before


@pytest.mark.parametrize(
    "statement", [*WRITES, *READS, *ROLES, *FILES_AND_PROGRAMS, *SERVER, *LOCKS, *TIMESCALEDB]
)
@pytest.mark.usefixtures("nothing_changes")
async def test_it_is_refused(attacker: Connection, session_pool: Pool, statement: str) -> None:
    chunk = await session_pool.fetchval("SELECT show_chunks('readings')::text LIMIT 1")
    is_of_timescaledb = statement in TIMESCALEDB
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attacker.execute(statement.format(chunk=chunk) if is_of_timescaledb else statement)


@pytest.mark.parametrize("statement", VIEW_WRITES)
@pytest.mark.usefixtures("nothing_changes")
async def test_it_cannot_write_to_a_view(attacker: Connection, statement: str) -> None:
    refusals = (asyncpg.ObjectNotInPrerequisiteStateError, asyncpg.WrongObjectTypeError)
    with pytest.raises((*refusals, asyncpg.InsufficientPrivilegeError)):
        await attacker.execute(statement)


@pytest.mark.parametrize("statement", HARMLESS)
@pytest.mark.usefixtures("nothing_changes")
async def test_what_it_is_not_refused_changes_nothing(attacker: Connection, statement: str) -> None:
    await attacker.execute(statement)


async def test_a_prepared_transaction_would_keep_its_locks_so_the_server_allows_none(
    attacker: Connection,
) -> None:
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="disabled"):
        await attacker.execute("BEGIN; SELECT 1 FROM bi.readings; PREPARE TRANSACTION 'intruder'")


async def test_it_sees_no_statement_of_others(attacker: Connection, pool_statement: str) -> None:
    activity = "SELECT query FROM pg_stat_activity WHERE usename <> current_user"
    seen = {row["query"] for row in await attacker.fetch(activity)}
    assert seen <= {"<insufficient privilege>", ""}
    assert pool_statement not in seen


@pytest_asyncio.fixture
async def pool_statement(session_pool: Pool) -> AsyncIterator[str]:
    """A statement that another session has executed."""
    statement = "SELECT 'a secret of the application'"
    async with session_pool.acquire() as connection:
        await connection.execute(statement)
        yield statement


async def test_it_opens_no_connection_beyond_its_limit(bi_login: Login) -> None:
    async with AsyncExitStack() as opened:
        for _ in range(MAX_CONNECTIONS):
            connection = await asyncpg.connect(bi_login.url)
            opened.push_async_callback(connection.close)
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await asyncpg.connect(bi_login.url)


async def test_it_may_change_its_own_password_until_it_is_rotated(
    attacker: Connection, bi_login: Login, owner_url: str
) -> None:
    """PostgreSQL lets every login do that. Nobody else's changes, and the owner takes it back."""
    await attacker.execute("ALTER ROLE CURRENT_USER PASSWORD 'its own'")
    rotated = sensorflow("bi-user", "rotate", bi_login.user, SENSORFLOW_DATABASE_URL=owner_url)
    assert rotated.returncode == 0
    restored = f"ALTER ROLE CURRENT_USER PASSWORD '{bi_login.password}'"
    await attacker.execute(restored)


async def test_it_cannot_fill_the_queue_of_notifications(
    attacker: Connection, bi_login: Login, application_pool: Pool, session_pool: Pool
) -> None:
    """With a full queue nobody commits a change that notifies."""
    await attacker.execute("LISTEN flood")
    await attacker.execute("BEGIN")
    sender = await asyncpg.connect(bi_login.url)
    flood = f"SELECT pg_notify('flood', {PAYLOAD} || $1) FROM generate_series(1, 10000) AS i"
    for batch in range(11):
        await sender.execute(flood, str(batch))
    await sender.close()
    usage = "SELECT pg_notification_queue_usage()"
    assert await session_pool.fetchval(usage) > 0.1
    await end_long_bi_transactions(application_pool, max_seconds=3600)
    with pytest.raises((*CONNECTION_LOST, asyncpg.PostgresError)):
        await attacker.fetch("SELECT 1")


async def test_every_routine_of_timescaledb_that_it_may_call_has_been_reviewed(
    session_pool: Pool,
) -> None:
    """A routine that is new here: try it as a BI login on what is not its own, then add it.

    If it does not ask who owns that, it belongs into sql/definitions/029_reserved.sql.
    """
    rows = await session_pool.fetch(
        "SELECT DISTINCT concat(pronamespace::regnamespace, '.', proname) AS name FROM pg_proc "
        "WHERE provolatile = 'v' AND pronamespace::regnamespace::text ~ 'timescaledb' "
        "AND has_function_privilege('sensorflow_bi', oid, 'EXECUTE') "
        "AND has_schema_privilege('sensorflow_bi', pronamespace, 'USAGE')"
    )
    assert {row["name"] for row in rows} <= set(REVIEWED.read_text().split())
