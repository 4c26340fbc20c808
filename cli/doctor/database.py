"""`sensorflow doctor database`: checks the role of the API and the worker, and what it may do."""

from collections.abc import AsyncIterator

import asyncpg

from cli.doctor.results import CheckResult, Status
from core.database import REVISION, Connection, database_errors, open_connection
from core.errors import SensorFlowError
from core.queries import all_rows, queries
from core.settings import DatabaseSettings

GUIDE = 'See "The roles of the database" in docs/deployment.md.'


async def run_checks(settings: DatabaseSettings) -> list[CheckResult]:
    """Check the database as the role of SENSORFLOW_DATABASE_URL."""
    try:
        with database_errors():
            async with open_connection(settings) as connection:
                return [result async for result in _results(connection)]
    except SensorFlowError as error:
        return [CheckResult(Status.FAILED, f"connection: {error.message}")]


async def _results(connection: Connection) -> AsyncIterator[CheckResult]:
    yield await _check_role(connection)
    revision = await _check_revision(connection)
    yield revision
    if revision.status is Status.PASSED:
        yield await _check_refresh(connection)
        yield await _check_reserved_routines(connection)


async def _check_role(connection: Connection) -> CheckResult:
    role = await queries().role_of_session(connection)
    if role["is_superuser"] or role["is_owner"]:
        kind = "a superuser" if role["is_superuser"] else "the owner of the tables"
        return CheckResult(
            Status.WARNING,
            f"role {role['name']}: {kind}, so the API, the worker and the migrations are one role, "
            "and whoever takes over the API can drop everything",
            f"Give SENSORFLOW_DATABASE_URL a role of its own, the owner's URL to "
            f"SENSORFLOW_MIGRATE_DATABASE_URL. {GUIDE}",
        )
    if not role["is_application"]:
        return CheckResult(
            Status.FAILED,
            f"role {role['name']}: may not use the tables",
            f"As an administrator: GRANT sensorflow_app TO {role['name']}. {GUIDE}",
        )
    if role["may_create_tables"]:
        return CheckResult(
            Status.WARNING,
            f"role {role['name']}: owns nothing, but every login may create tables here",
            "As the owner: REVOKE CREATE ON SCHEMA public FROM PUBLIC.",
        )
    return CheckResult(Status.PASSED, f"role {role['name']}: owns nothing")


async def _check_revision(connection: Connection) -> CheckResult:
    try:
        revision = await queries().schema_revision(connection)
    except asyncpg.PostgresError:  # there is no version table, or we may not read it
        revision = None
    if revision == REVISION:
        return CheckResult(Status.PASSED, f"schema at revision {revision}")
    return CheckResult(
        Status.FAILED,
        f"schema at revision {revision or 'unknown'}, this release needs {REVISION}",
        "Run sensorflow migrate.",
    )


async def _check_refresh(connection: Connection) -> CheckResult:
    owner = await queries().rollup_owner(connection)
    if not owner["may_refresh"]:
        return CheckResult(
            Status.FAILED,
            f"rollups: they belong to {owner['name']}, so the worker cannot refresh them",
            "As a superuser of this database: GRANT CREATE ON SCHEMA _timescaledb_internal TO "
            f"sensorflow_rollups; then run sensorflow migrate. {GUIDE}",
        )
    return CheckResult(Status.PASSED, f"rollups: refreshed as {owner['name']}")


async def _check_reserved_routines(connection: Connection) -> CheckResult:
    routines = await all_rows(queries().open_reserved_routines, connection)
    if routines:
        return CheckResult(
            Status.WARNING,
            f"functions: every login of the database may execute {len(routines)} that drop chunks, "
            "fill the lock table or leave jobs and objects behind",
            f"A superuser reserves them by a query of the view reserved_routines. {GUIDE}",
        )
    return CheckResult(Status.PASSED, "functions: only administrators may drop chunks or add jobs")
