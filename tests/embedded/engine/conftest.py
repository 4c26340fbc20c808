"""A shared engine, one with short timeouts and intervals, and engines of a test's own to kill."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest
import pytest_asyncio

from embedded.database import EmbeddedDatabase, copy_template, prepare_template

from .wire_client import WireClient

Connect = Callable[..., Awaitable[asyncpg.Connection]]
ConnectPsycopg = Callable[..., psycopg.Connection]
ConnectWire = Callable[..., WireClient]
StartEngine = Callable[..., EmbeddedDatabase]

CACHE = Path(__file__).parents[3] / ".cache" / "embedded"
FAST_TIMERS = (
    "--idle-in-transaction-seconds=0.5",
    "--policy-interval-seconds=0.1",
    "--upkeep-interval-seconds=0.1",
)


@pytest.fixture(scope="session")
def template() -> Path:
    return prepare_template(CACHE)


@pytest.fixture(scope="session")
def engine(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDatabase]:
    data_dir = tmp_path_factory.mktemp("engine") / "data"
    copy_template(template, data_dir)
    with EmbeddedDatabase.start(data_dir) as database:
        yield database


@pytest.fixture(scope="session")
def fast_timer_engine(
    template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedDatabase]:
    data_dir = tmp_path_factory.mktemp("fast-timers") / "data"
    copy_template(template, data_dir)
    with EmbeddedDatabase.start(data_dir, *FAST_TIMERS) as database:
        yield database


@pytest.fixture
def start_engine(template: Path, tmp_path: Path) -> Iterator[StartEngine]:
    """Starts engines on this test's own copy of the template, killed at the end."""
    started: list[EmbeddedDatabase] = []
    data_dir = tmp_path / "data"

    def start(*options: str) -> EmbeddedDatabase:
        if not data_dir.exists():
            copy_template(template, data_dir)
        started.append(EmbeddedDatabase.start(data_dir, *options))
        return started[-1]

    yield start
    for database in started:
        database.kill()


@pytest_asyncio.fixture
async def connect(engine: EmbeddedDatabase) -> AsyncIterator[Connect]:
    """Opens asyncpg connections, by default to the shared engine, closed at the end."""
    opened: list[asyncpg.Connection] = []

    async def open_connection(url: str = engine.url, **options: object) -> asyncpg.Connection:
        connection: asyncpg.Connection = await asyncpg.connect(url, **options)  # type: ignore[call-overload] # forwarded
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        connection.terminate()


@pytest.fixture
def psycopg_connect(engine: EmbeddedDatabase) -> Iterator[ConnectPsycopg]:
    """Opens psycopg connections in autocommit mode, closed at the end."""
    opened: list[psycopg.Connection] = []

    def open_connection(**options: str) -> psycopg.Connection:
        opened.append(psycopg.connect(engine.url, autocommit=True, **options))  # type: ignore[arg-type] # forwarded
        return opened[-1]

    yield open_connection
    for connection in opened:
        connection.close()


@pytest.fixture
def connect_wire(engine: EmbeddedDatabase) -> Iterator[ConnectWire]:
    """Opens clients of the wire protocol, closed at the end."""
    opened: list[WireClient] = []

    def open_client(database: EmbeddedDatabase = engine) -> WireClient:
        opened.append(WireClient(database.port))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()
