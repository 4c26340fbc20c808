"""The roles of the database: what the API and the worker may do, and nothing beyond it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from api.equipment.repository import EquipmentRepository
from api.imports.cursor import Cursor
from api.imports.repository import ImportRepository
from api.imports.upload_repository import NewImport, Sender, UploadRepository
from core.database import Connection, Pool, control_engine
from core.imports import ImportOptions
from core.queries import SQL, queries
from migrations.roles import ROLES

NAMED_QUERY = re.compile(r"^-- name: (\w+)\(.*\)(\W*)$", re.MULTILINE)
QUERIES = dict(
    found
    for path in Path(SQL, "queries").glob("*.sql")
    for found in NAMED_QUERY.findall(path.read_text())
)
SCRIPTS = {name for name, kind in QUERIES.items() if kind == "#"}
# The temporary tables that other queries need.
STAGING = ("create_import_staging", "create_dry_run_tables")
# As the rollups' owner: tests/jobs/test_refresh.py does it.
REFRESHES = {"refresh_daily", "refresh_hourly"}
# As the owner or a superuser: tests/cli/test_bi_users.py and test_backup.py do it.
OWNERS = {
    "backup_target",
    "begin_restore",
    "bi_user_exists",
    "end_restore",
    "list_bi_users",
    "missing_roles",
    "timescaledb_for_restore",
}

OWNED = """
    SELECT count(*) FROM pg_shdepend
    WHERE
        deptype = 'o' AND refclassid = 'pg_authid'::regclass
        AND refobjid IN (to_regrole('sensorflow_app'), to_regrole($1))
        -- An engine of one session keeps the temporary tables of imports before.
        AND NOT (
            classid = 'pg_class'::regclass
            AND objid IN (SELECT oid FROM pg_class WHERE relpersistence = 't')
        )
"""
SYSTEM_SCHEMAS = "'^(pg_|_?timescaledb_|information_schema|toolkit_)'"
SCHEMAS = f"""
    SELECT nspname FROM pg_namespace
    WHERE has_schema_privilege(oid, 'USAGE') AND nspname !~ {SYSTEM_SCHEMAS}
"""
READABLE = f"""
    SELECT oid::regclass::text FROM pg_class
    WHERE
        relkind IN ('r', 'v', 'm', 'p', 'f')
        AND relnamespace::regnamespace::text !~ {SYSTEM_SCHEMAS}
        AND has_table_privilege(oid, 'SELECT')
"""


@pytest_asyncio.fixture(scope="module")
async def application(migrated_url: str) -> AsyncIterator[Connection]:
    """A session of the API or the worker."""
    connection = await asyncpg.connect(migrated_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def rolled_back(connection: Connection) -> AsyncIterator[None]:
    """A transaction that leaves nothing behind."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


@pytest.mark.parametrize("name", sorted(QUERIES.keys() - SCRIPTS - REFRESHES - OWNERS))
async def test_the_application_may_execute_every_query(application: Connection, name: str) -> None:
    """EXPLAIN starts the plan, and that checks the privileges, but changes nothing."""
    query = getattr(queries(), name).sql
    async with rolled_back(application):
        for script in STAGING:
            await getattr(queries(), script)(application)
        statement = await application.prepare(query)
        parameters = [None] * len(statement.get_parameters())
        await application.fetch(f"EXPLAIN {query}", *parameters)


async def test_the_application_may_execute_every_script(application: Connection) -> None:
    scripts = (*STAGING, "begin_copy", "end_copy", "begin_copy", "undo_copy")
    assert set(scripts) == SCRIPTS
    async with rolled_back(application):
        for script in scripts:
            await getattr(queries(), script)(application)


async def test_the_application_may_execute_every_statement_of_sqlalchemy(
    pool: Pool, migrated_url: str
) -> None:
    new = NewImport(uuid4(), "file.csv", "imports/a", 1, Sender("tester"), ImportOptions())
    async with application_engine(migrated_url) as engine:
        uploads, imports = UploadRepository(engine), ImportRepository(engine)
        await uploads.create_awaiting_upload(new, None)
        await uploads.replace_object(new.import_id, "imports/b", b"\0" * 32)
        assert (await uploads.expected_file(new.import_id)).object_key == "imports/b"
        found = await imports.get(new.import_id)
        assert await imports.get_many([new.import_id]) == {new.import_id: found}
        assert await imports.page(1, None) == [found]
        assert await imports.page(1, Cursor(found.created_at, found.import_id)) == []
        assert await imports.rejects_generation(new.import_id) == 0
        for name in ("first", "second"):
            await EquipmentRepository(engine, pool).save_metadata("a", {"name": name})


@asynccontextmanager
async def application_engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = control_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE intruder (i integer)",
        "CREATE TABLE queue.intruder (i integer)",
        "CREATE SCHEMA intruder",
        "CREATE FUNCTION intruder() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW intruder AS SELECT 1",
        "DROP EXTENSION plpgsql",
        "CREATE ROLE intruder",
        "ALTER TABLE readings ADD COLUMN intruder integer",
        "ALTER TABLE imports DISABLE TRIGGER ALL",
        "CREATE INDEX intruder ON imports (id)",
        "CREATE TRIGGER intruder AFTER INSERT ON imports EXECUTE FUNCTION notify_changes()",
        "DROP TABLE imports",
        "DROP VIEW bi.readings",
        "DROP FUNCTION compress_readings",
        "DROP SCHEMA queue CASCADE",
        "DROP MATERIALIZED VIEW readings_1h",
        "GRANT sensorflow_rollups TO sensorflow_bi",
        "TRUNCATE readings",
        "DELETE FROM readings",
        "DELETE FROM imports",
        "UPDATE retention_horizon SET horizon = now()",
        "UPDATE alembic_version SET version_num = '0001'",
        "UPDATE rollup_dirty_ranges SET only_new = true",
        "INSERT INTO retention_horizon (horizon) VALUES (now())",
        "SELECT drop_chunks('readings', now())",
        "SELECT _timescaledb_functions.drop_chunk(name) FROM show_chunks('readings') AS name",
        "SELECT _timescaledb_functions.freeze_chunk(name) FROM show_chunks('readings') AS name",
        "SELECT add_job('pg_sleep', '1 second')",
        "SELECT pg_advisory_lock(1)",
        "CALL remove_columnstore_policy('readings')",
        "SELECT * FROM bi.readings",
        "COPY readings TO '/tmp/intruder'",
        "SET ROLE sensorflow_bi",
    ],
)
async def test_the_application_may_do_nothing_else(application: Connection, statement: str) -> None:
    async with rolled_back(application):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(statement)


async def test_the_application_owns_nothing_and_is_nobody_special(application: Connection) -> None:
    name = await application.fetchval("SELECT current_user")
    is_special = await application.fetchval(
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls "
        "FROM pg_roles WHERE rolname = current_user"
    )
    assert not is_special
    assert await application.fetchval(OWNED, name) == 0


async def test_only_our_roles_use_the_schema_public(session_pool: Pool) -> None:
    allowed = "SELECT has_schema_privilege($1, 'public', 'USAGE')"
    for role in ("sensorflow_app", "sensorflow_rollups"):
        assert await session_pool.fetchval(allowed, role)
    assert not await session_pool.fetchval(allowed, "sensorflow_bi")


async def test_the_application_reads_our_tables_and_no_other_schema(
    session_pool: Pool, application: Connection
) -> None:
    await session_pool.execute("CREATE SCHEMA other; CREATE TABLE other.secret (i integer)")
    try:
        schemas = {row[0] for row in await application.fetch(SCHEMAS)}
        readable = {row[0] for row in await application.fetch(READABLE)}
    finally:
        await session_pool.execute("DROP SCHEMA other CASCADE")
    assert schemas == {"public", "queue"}
    assert not {name for name in readable if name.startswith(("bi.", "other."))}


async def test_the_owner_of_the_rollups_owns_nothing_else_and_nobody_logs_in_as_it(
    session_pool: Pool,
) -> None:
    owned = "SELECT relname FROM pg_class WHERE relowner = to_regrole('sensorflow_rollups')"
    names = {
        row[0]
        for row in await session_pool.fetch(f"{owned} AND relnamespace = 'public'::regnamespace")
    }
    assert names == {"readings_1h", "readings_1d"}
    for catalog in ("pg_proc WHERE proowner", "pg_namespace WHERE nspowner"):
        query = f"SELECT count(*) FROM {catalog} = to_regrole('sensorflow_rollups')"
        assert await session_pool.fetchval(query) == 0
    role = await session_pool.fetchrow(
        "SELECT * FROM pg_roles WHERE rolname = 'sensorflow_rollups'"
    )
    assert role is not None
    assert role["rolconnlimit"] == 0
    assert role["rolcanlogin"]  # TimescaleDB executes the policies as it
    policies = await session_pool.fetch(
        "SELECT pg_has_role(owner, 'sensorflow_rollups', 'USAGE') AS may_refresh "
        "FROM timescaledb_information.jobs "
        "WHERE proc_name = 'policy_refresh_continuous_aggregate'"
    )
    assert [row["may_refresh"] for row in policies] == [True, True]


async def test_the_application_has_the_rollups_only_while_it_asks_for_them(
    application: Connection,
) -> None:
    uses = "SELECT pg_has_role('sensorflow_rollups', $1)"
    assert await application.fetchval(uses, "MEMBER")
    assert not await application.fetchval(uses, "USAGE")


async def test_functions_with_their_owners_privileges_are_the_applications_alone(
    session_pool: Pool,
) -> None:
    functions = await session_pool.fetch(
        "SELECT proname, proconfig, "
        "has_function_privilege('sensorflow_app', oid, 'EXECUTE') AS for_application, "
        "has_function_privilege('sensorflow_bi', oid, 'EXECUTE') AS for_all "
        "FROM pg_proc WHERE prosecdef AND pronamespace IN "
        "('public'::regnamespace, 'queue'::regnamespace, 'bi'::regnamespace)"
    )
    assert {row["proname"] for row in functions} == {
        "compress_readings",
        "end_long_bi_transactions",
        "policy_runs",
    }
    for row in functions:
        assert "search_path=pg_catalog, pg_temp" in row["proconfig"]
        assert (row["for_application"], row["for_all"]) == (True, False)


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_is_known_to_the_server(session_pool: Pool, role: str) -> None:
    assert await session_pool.fetchval("SELECT to_regrole($1) IS NOT NULL", role)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM public.refresh_lease FOR UPDATE",
        "SELECT * FROM public.idempotency_keys FOR KEY SHARE",
        "SELECT * FROM bi.imports FOR UPDATE",
        "LOCK TABLE public.alembic_version IN ACCESS SHARE MODE",
        "LOCK TABLE public.refresh_lease IN ACCESS SHARE MODE",
        "LOCK TABLE bi.readings IN ROW SHARE MODE",
        "DELETE FROM public.refresh_lease",
        "SELECT public.compress_readings(now())",
        "SET ROLE sensorflow_rollups",
        "SET ROLE sensorflow_app",
        "SELECT public.time_bucket('1 day', now())",
    ],
)
async def test_a_bi_tool_can_lock_nothing_and_become_nobody(
    bi_tool: Connection, statement: str
) -> None:
    async with rolled_back(bi_tool):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bi_tool.execute(statement)


async def test_a_bi_tool_can_lock_no_row_beside_a_description(bi_tool: Connection) -> None:
    """Some releases of PostgreSQL refuse the outer join first."""
    refusals = (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)
    async with rolled_back(bi_tool):
        with pytest.raises(refusals):
            await bi_tool.execute("SELECT * FROM bi.readings FOR UPDATE")
