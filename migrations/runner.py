"""Bring a database to a revision: server checks, versions, then the re-runnable definitions.

Each direction is one transaction that locks the version table, so a second `migrate` at the same
time waits and then has nothing to do, and a failure leaves the database as it was.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from pydantic import SecretStr
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import (
    connection_errors,
    control_engine,
    database_errors,
    driver_connection,
    open_connection,
)
from core.queries import definitions
from core.settings import DatabaseSettings
from migrations.blockers import bounded_lock_waits
from migrations.errors import EXISTS_ALREADY_STATES, migration_errors, sqlstate
from migrations.requirements import require_owner, require_timescaledb
from migrations.roles import require_roles

HERE = Path(__file__).parent
# As Alembic creates it.
VERSION_TABLE = """
    CREATE TABLE IF NOT EXISTS alembic_version (
        version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
    )
"""
# Everybody else may still read it. Advisory locks would be open to every login of the database.
LOCK = "LOCK TABLE alembic_version IN EXCLUSIVE MODE"
# Of sql/definitions; CASCADE also drops the functions that return their rows.
VIEWS = (
    "bi_logins, reserved_routines, measured, materialised, current_1d, current_1h, hour_pieces, "
    "stale_ranges, partial_hours_seam, materialised_1h, materialised_1d, data_state"
)


async def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema up to `revision`, then apply sql/definitions.

    Raises UnsupportedDatabaseError when the server lacks TimescaleDB or its Community features,
    MigrationRefusedError when the role lacks a privilege, MigrationBlockedError when other sessions
    hold it up, DatabaseUnavailableError when the server does not answer, DatabaseRefusedError or
    SettingError.
    """
    async with _exclusive(database_url) as connection:
        await require_timescaledb(connection)
        await require_roles(connection)
        await connection.run_sync(_run, command.upgrade, revision)
        if revision == "head":
            await (await driver_connection(connection)).execute(definitions())


async def downgrade(database_url: str, revision: str) -> None:
    """Bring the schema down to `revision` ("base": nothing of ours but the version table)."""
    async with _exclusive(database_url) as connection:
        await connection.execute(text("DROP SCHEMA IF EXISTS bi CASCADE"))
        await connection.execute(text(f"DROP VIEW IF EXISTS {VIEWS} CASCADE"))
        await connection.run_sync(_run, command.downgrade, revision)


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration over an open connection, for commands and for tests."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def _run(
    connection: Connection, alembic_command: Callable[[Config, str], None], revision: str
) -> None:
    alembic_command(alembic_config(connection), revision)


@asynccontextmanager
async def _exclusive(database_url: str) -> AsyncIterator[AsyncConnection]:
    settings = DatabaseSettings(url=SecretStr(database_url))
    engine = control_engine(database_url)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(engine.dispose)
        watcher = await opened.enter_async_context(open_connection(settings))
        with connection_errors(database_url):
            connection = await opened.enter_async_context(engine.connect())
        with database_errors(), migration_errors():
            await require_owner(connection)
            await _lock(connection)
            async with bounded_lock_waits(watcher, await driver_connection(connection)):
                yield connection
            await connection.commit()


async def _lock(connection: AsyncConnection) -> None:
    try:
        await connection.execute(text(VERSION_TABLE))
    except DBAPIError as error:
        if sqlstate(error) not in EXISTS_ALREADY_STATES:
            raise
        await connection.rollback()
    await connection.execute(text(LOCK))
