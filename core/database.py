"""The two ways to the database: an asyncpg pool for readings, SQLAlchemy for the control plane."""

import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import urlsplit

import asyncpg
from asyncpg.exceptions import InternalClientError
from sqlalchemy.exc import DBAPIError, PendingRollbackError, ResourceClosedError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from core.errors import (
    DatabaseFullError,
    DatabaseOverloadedError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    SensorFlowError,
)
from core.setting_errors import setting_error
from core.settings import DatabaseSettings

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

REVISION = "0028"  # the schema this code is written for; a test compares it with migrations/

# JIT compilation takes half a second of statements that otherwise take a tenth of that.
SESSION = {"jit": "off"}

CONNECT_TIMEOUT_SECONDS = 10
WAIT_FOR_CONNECTION_SECONDS = 5

# Connection exceptions (class 08), shutdown, start-up and idle sessions (57P0x), and the limits on
# the time of a transaction, which end its session too.
UNAVAILABLE_STATES = ("08", "57P0", "25P03", "25P04")

DISK_FULL_STATE = "53100"

# Insufficient resources: any, memory, connections.
OVERLOADED_STATES = ("53000", "53200", "53300")

# Invalid authorization (28), unknown database (3D000).
REFUSED_STATES = ("28", "3D000")

# What is raised without the server having said anything: the connection broke, is being closed, or
# is of no use any more. asyncpg raises InternalClientError where the server ended an idle session
# that the next statement is already sent to.
CONNECTION_LOST = (
    asyncpg.InterfaceError,
    InternalClientError,
    NoFreeConnectionError,
    PendingRollbackError,
    ResourceClosedError,
)

PORT = re.compile(":[0-9]+$")

# The end of the RuntimeError by which uvloop refuses to write to a transport that is closed.
TRANSPORT_CLOSED = "the handler is closed"


async def open_pool(
    settings: DatabaseSettings, *, connections_at_start: int = 1, reset_sessions: bool = True
) -> Pool:
    """A pool whose every statement is bounded by the settings' statement timeout.

    Without `reset_sessions` a connection goes back as it is, one round trip less: for borrowers
    that never SET, LISTEN or lock. Raises the errors of connection_errors if it connects at once.
    """
    url = settings.url.get_secret_value()
    with connection_errors(url):
        return await asyncpg.create_pool(
            url,
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

    Raises the errors of connection_errors.
    """
    url = settings.url.get_secret_value()
    with connection_errors(url):
        connection = await asyncpg.connect(
            url, timeout=CONNECT_TIMEOUT_SECONDS, server_settings=SESSION
        )
    try:
        yield connection
    finally:
        connection.terminate()


def control_engine(database_url: str) -> AsyncEngine:
    """An SQLAlchemy engine on asyncpg, which alone reads the URL; it connects at first use."""
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(asyncpg.connect, database_url, timeout=CONNECT_TIMEOUT_SECONDS),
        poolclass=ControlPool,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=0,
        pool_timeout=WAIT_FOR_CONNECTION_SECONDS,
    )


class ControlPool(AsyncAdaptedQueuePool):
    """The engine's pool; `waiting` counts who waits for one of its connections."""

    waiting = 0

    def _do_get(self) -> ConnectionPoolEntry:
        self.waiting += 1
        try:
            return super()._do_get()
        finally:
            self.waiting -= 1


class _Borrowers:
    """Who waits for a connection in `borrowed`, in this process."""

    waiting = 0


def waiting_borrowers() -> int:
    """How many wait in `borrowed` for a connection; a process has one pool."""
    return _Borrowers.waiting


@asynccontextmanager
async def borrowed(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool; raises DatabaseUnavailableError when none can be had in time."""
    with database_errors():
        connection = await _acquired(pool)
        try:
            yield connection
        finally:
            await pool.release(connection)


async def _acquired(pool: Pool) -> "PoolConnectionProxy[asyncpg.Record]":
    _Borrowers.waiting += 1
    try:
        return await pool.acquire(timeout=WAIT_FOR_CONNECTION_SECONDS)
    finally:
        _Borrowers.waiting -= 1


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
def connection_errors(database_url: str) -> Iterator[None]:
    """As database_errors, for connecting: the errors name host and port, and the remedy.

    For the command line and the log; HTTP responses do not disclose where the database is. Raises
    SettingError for parameters of the URL that asyncpg refuses.
    """
    try:
        with database_errors():
            yield
    except DatabaseUnavailableError as error:
        raise _unreachable(database_url, error.__cause__) from error.__cause__
    except (asyncpg.PostgresError, DBAPIError, ValueError) as error:
        cause = _driver_error(error)
        if isinstance(cause, ValueError):
            raise setting_error(DatabaseSettings, "url", f"cannot be used: {cause}") from error
        raise _refused(cause) from error


def database_address(database_url: str) -> str:
    """Host and port of the URL."""
    host = urlsplit(database_url).netloc.rpartition("@")[2]
    return host if PORT.search(host) else f"{host}:5432"


@contextmanager
def database_errors() -> Iterator[None]:
    """Translate errors of an unavailable or refusing server into our own, with their cause.

    Raises DatabaseUnavailableError, DatabaseOverloadedError, DatabaseFullError or
    DatabaseRefusedError; a statement's own error passes.
    """
    try:
        yield
    except Exception as error:
        if translated := _translated(error):
            raise translated from error
        raise


def _translated(error: Exception) -> SensorFlowError | None:
    """Our error for a state of the server or the connection; None for any other error."""
    cause = _driver_error(error)
    if _is_connection_lost(cause):
        return _unavailable()
    state = _sqlstate(cause)
    if state == DISK_FULL_STATE:
        return _full()
    if state in OVERLOADED_STATES:
        return _overloaded()
    if state.startswith(UNAVAILABLE_STATES):
        return _unavailable()
    return _refused(cause) if state.startswith(REFUSED_STATES) else None


def _driver_error(error: Exception) -> Exception:
    """What asyncpg raised, where SQLAlchemy wrapped it."""
    return error.driver_exception if isinstance(error, DBAPIError) else error


def _is_connection_lost(cause: Exception) -> bool:
    match cause:
        case OSError():
            return True
        case ValueError():  # an argument that does not fit its parameter
            return False
        case RuntimeError():
            return str(cause).endswith(TRANSPORT_CLOSED)
        case _:
            return isinstance(cause, CONNECTION_LOST)


def _sqlstate(cause: Exception) -> str:
    return str(cause.sqlstate or "") if isinstance(cause, asyncpg.PostgresError) else ""


def _unavailable() -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        "The database does not answer. What was under way may or may not have been stored; "
        "trying again shortly is harmless."
    )


def _unreachable(database_url: str, cause: BaseException | None) -> DatabaseUnavailableError:
    address = database_address(database_url)
    match cause:
        case TimeoutError():
            reason = f"no answer within {CONNECT_TIMEOUT_SECONDS} s"
        case OSError(errno=int(number)) if number > 0:
            reason = os.strerror(number)  # without the words in which asyncio wraps it
        case OSError():
            reason = str(cause)
        case _:
            return DatabaseUnavailableError(
                f"The server at {address} takes no connection now: {cause}. Try again shortly."
            )
    return DatabaseUnavailableError(
        f"Nothing answers at {address} ({reason}). Start the database there, or correct host and "
        "port in SENSORFLOW_DATABASE_URL."
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


def _refused(cause: Exception) -> DatabaseRefusedError:
    return DatabaseRefusedError(
        f"The database server refused the connection: {cause}. Check user, password and database "
        "name in SENSORFLOW_DATABASE_URL."
    )
