"""Bring a database to a revision: server checks, versions, then the re-runnable definitions.

Each direction is one transaction under one advisory lock, so a second `migrate` at the same time
waits and then has nothing to do, and a failure leaves the database as it was.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import connection_errors, control_engine, database_errors, driver_connection
from core.queries import definitions
from migrations.requirements import require_timescaledb

HERE = Path(__file__).parent
LOCK_KEY = 7_463_920_118  # the name of this lock among the database's advisory locks
# Of sql/definitions; CASCADE also drops the functions that return their rows.
VIEWS = "measured, materialised, materialised_1h, materialised_1d, data_state"


async def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema up to `revision`, then apply sql/definitions.

    Raises UnsupportedDatabaseError when the server lacks TimescaleDB or its Community features,
    DatabaseUnavailableError when it does not answer, DatabaseRefusedError or SettingError.
    """
    async with _exclusive(database_url) as connection:
        await require_timescaledb(connection)
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
    engine = control_engine(database_url)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(engine.dispose)
        with connection_errors(database_url):
            connection = await opened.enter_async_context(engine.connect())
        with database_errors():
            async with connection.begin():
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
                yield connection
