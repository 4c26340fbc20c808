"""The two ways to the database: an asyncpg pool for readings, SQLAlchemy for the control plane."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias, cast

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import (
    DatabaseFullError,
    DatabaseOverloadedError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    SensorFlowError,
)
from core.settings import DatabaseSettings

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

REVISION = "0024"  # the schema this code is written for; a test compares it with migrations/

# JIT compilation takes half a second of statements that otherwise take a tenth of that.
SESSION = {"jit": "off"}

CONNECT_TIMEOUT_SECONDS = 10
WAIT_FOR_CONNECTION_SECONDS = 5

# Connection exceptions (class 08), shutdown and start-up (57P0x).
UNAVAILABLE_STATES = ("08", "57P0")

DISK_FULL_STATE = "53100"

# Out of memory, too many connections.
OVERLOADED_STATES = ("53200", "53300")

# Invalid authorization (28), unknown database (3D000).
REFUSED_STATES = ("28", "3D000")


async def open_pool(
    settings: DatabaseSettings, *, connections_at_start: int = 1, reset_sessions: bool = True
) -> Pool:
    """A pool whose every statement is bounded by the settings' statement timeout.

    Without `reset_sessions` a connection goes back as it is, one round trip less: for borrowers
    that never SET, LISTEN or lock. Raises DatabaseUnavailableError when the server does not answer,
    which is only noticed if there are connections at the start.
    """
    with database_errors():
        return await asyncpg.create_pool(
            settings.url.get_secret_value(),
            min_size=connections_at_start,
            max_size=settings.pool_size,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=settings.statement_timeout_seconds,
            reset=None if reset_sessions else _skip_reset,
            server_settings=SESSION,
        )


async def _skip_reset(_connection: Connection) -> None:
    """A reset of a released connection that does nothing."""


@asynccontextmanager
async def open_connection(settings: DatabaseSettings) -> AsyncIterator[Connection]:
    """A connection outside of any pool, without statement timeout: for LISTEN and for refreshes.

    Raises DatabaseUnavailableError when the server does not answer.
    """
    with database_errors():
        connection = await asyncpg.connect(
            settings.url.get_secret_value(),
            timeout=CONNECT_TIMEOUT_SECONDS,
            server_settings=SESSION,
        )
    try:
        yield connection
    finally:
        connection.terminate()


def control_engine(database_url: str) -> AsyncEngine:
    """An SQLAlchemy engine on asyncpg; it connects at first use."""
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    return create_async_engine(
        url,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=0,
        pool_timeout=WAIT_FOR_CONNECTION_SECONDS,
        connect_args={"timeout": CONNECT_TIMEOUT_SECONDS},
    )


@asynccontextmanager
async def borrowed(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool; raises DatabaseUnavailableError when none can be had in time."""
    with database_errors():
        async with pool.acquire(timeout=WAIT_FOR_CONNECTION_SECONDS) as connection:
            yield connection


async def shares_one_session(connection: Connection) -> bool:
    """Whether this is the embedded engine, where a transaction blocks all other clients."""
    return "emcc" in str(await connection.fetchval("SELECT version()"))


async def driver_connection(connection: AsyncConnection) -> Connection:
    """The asyncpg connection under an SQLAlchemy one, inside the transaction that this began."""
    raw = await connection.get_raw_connection()
    return cast("Connection", raw.driver_connection)


@asynccontextmanager
async def driver_transaction(engine: AsyncEngine) -> AsyncIterator[Connection]:
    """A transaction of the engine for named queries, which need asyncpg's own connection.

    Raises as `database_errors`.
    """
    with database_errors():
        async with engine.begin() as connection:
            # SQLAlchemy sends BEGIN only before a first statement of its own.
            await connection.exec_driver_sql("SELECT 1")
            yield await driver_connection(connection)


@contextmanager
def database_errors() -> Iterator[None]:
    """Translate errors of an unavailable or refusing server into our own, with their cause.

    Raises DatabaseUnavailableError, DatabaseFullError or DatabaseRefusedError; a statement's own
    error passes.
    """
    try:
        yield
    except (OSError, TimeoutError, InterfaceError, NoFreeConnectionError) as error:
        raise _unavailable() from error
    except asyncpg.InterfaceError as error:
        if isinstance(error, ValueError):  # an argument that does not fit its parameter
            raise
        raise _unavailable() from error
    except (asyncpg.PostgresError, DBAPIError) as error:
        if translated := _translated(error):
            raise translated from error
        raise


def _translated(error: BaseException) -> SensorFlowError | None:
    """Our error for a state of the server; None for an error of the statement itself."""
    state = _sqlstate(error)
    if state == DISK_FULL_STATE:
        return _full()
    if state in OVERLOADED_STATES:
        return _overloaded()
    if state.startswith(UNAVAILABLE_STATES):
        return _unavailable()
    return _refused(error) if state.startswith(REFUSED_STATES) else None


def _sqlstate(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


def _unavailable() -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        "The database does not answer. What was under way may or may not have been stored; "
        "trying again shortly is harmless."
    )


def _full() -> DatabaseFullError:
    return DatabaseFullError(
        "The disk of the database server is full, so nothing was stored. Free space there, then "
        "send it again."
    )


def _overloaded() -> DatabaseOverloadedError:
    return DatabaseOverloadedError(
        "The database server has no memory or no connection left for this, so nothing was stored. "
        "Send it again a little later."
    )


def _refused(error: BaseException) -> DatabaseRefusedError:
    reason = getattr(error, "orig", error)
    return DatabaseRefusedError(
        f"The database server refused the connection: {reason}. Check user, password and database "
        "name in SENSORFLOW_DATABASE_URL."
    )
