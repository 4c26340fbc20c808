"""Fixtures that several folders share: a database, identity providers, a server of the API."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr

from core.database import Connection, Pool, open_pool, shares_one_session
from core.settings import ApiSettings, DatabaseSettings
from embedded.identity import IdentityProvider
from migrations.runner import upgrade
from tests.api.serving import UPLOAD_SECRET, server_settings, serving
from tests.database import URL_VARIABLE, Database, choose_database, docker_answers
from tests.support.logins import login
from tests.support.ports import free_port
from tests.support.stub_provider import StubProvider

# Of the migrations and of the refresh, until they locked what no other login can.
FORMER_LOCK_KEYS = (7_463_920_118, 7_463_920_119)
EMPTY = """
    TRUNCATE readings; TRUNCATE readings_1h; TRUNCATE readings_1d;
    TRUNCATE imports, rollup_dirty_ranges, opened_chunks, retention_horizon, workers;
    TRUNCATE refresh_lease, partial_hours, pending_readings;
    UPDATE partial_hours_range
    SET start_ts = DEFAULT, end_ts = DEFAULT, announced_end = DEFAULT;
    TRUNCATE queue.pgqueuer;
    TRUNCATE equipment, data_changes, data_versions, ingest_minutes, rollup_audits;
    TRUNCATE idempotency_keys, sessions, spent_tokens, sign_ins, sign_in_failures
"""

# A slow machine is no reason to fail: no test depends on a time.
hypothesis_settings.register_profile("suite", deadline=None)
hypothesis_settings.load_profile("suite")


@cache
def database_of_this_run() -> Database:
    return choose_database(os.environ, docker_answers)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what would have several processes empty one database under each other."""
    if config.getoption("numprocesses", None) and URL_VARIABLE in os.environ:
        raise pytest.UsageError(f"{URL_VARIABLE} is for one process: leave out --numprocesses")


def pytest_report_header() -> str:
    return f"database: {database_of_this_run()}"


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The database of this run."""
    with database_of_this_run().running(tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def owner_url(database_url: str) -> str:
    """The database of this run, brought to the newest schema, as its owner."""
    await upgrade(database_url)
    return database_url


@pytest_asyncio.fixture(scope="session")
async def migrated_url(owner_url: str) -> AsyncIterator[str]:
    """The database of this run as the role of the API and the worker, which owns nothing."""
    async with login(owner_url, "sensorflow_app") as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def bi_url(owner_url: str) -> AsyncIterator[str]:
    """The database of this run for a BI tool's login, made as docs/bi/README.md says."""
    async with login(owner_url, "sensorflow_bi") as url:
        yield url


@pytest_asyncio.fixture
async def superuser_url(owner_url: str) -> str:
    """The server's superuser, in the database of this run."""
    connection = await asyncpg.connect(owner_url)
    one_session = await shares_one_session(connection)
    is_superuser = await connection.fetchval("SELECT current_setting('is_superuser')")
    await connection.close()
    if one_session or is_superuser != "on":
        pytest.skip("needs a server whose superuser makes databases")
    return owner_url


@pytest_asyncio.fixture
async def bi_tool(bi_url: str) -> AsyncIterator[Connection]:
    """A connection of a BI tool."""
    connection = await asyncpg.connect(bi_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def held_locks(bi_tool: Connection, session_pool: Pool) -> AsyncIterator[None]:
    """A BI tool has a transaction that only reads; somebody holds the locks of former releases."""
    if await shares_one_session(bi_tool):
        pytest.skip("the engine has one session, in which a transaction holds up everybody")
    await bi_tool.execute("BEGIN READ ONLY")
    async with session_pool.acquire() as holder:
        for key in FORMER_LOCK_KEYS:
            await holder.execute("SELECT pg_advisory_lock($1)", key)
        yield


@pytest_asyncio.fixture(scope="session")
async def session_pool(owner_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(DatabaseSettings(url=SecretStr(owner_url)))
    yield pool
    await pool.close()


@pytest_asyncio.fixture(scope="session")
async def application_pool(migrated_url: str) -> AsyncIterator[Pool]:
    """A pool as the API and the worker have it."""
    pool = await open_pool(DatabaseSettings(url=SecretStr(migrated_url)))
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def pool(session_pool: Pool) -> Pool:
    """The owner's, over a database in which no reading, import or job is left of other tests."""
    await empty_database(session_pool)
    return session_pool


async def empty_database(pool: Pool) -> None:
    """Again where it meets the first run of a policy, right after the migration."""
    while True:
        with suppress(asyncpg.DeadlockDetectedError):
            await pool.execute(EMPTY)
            return


@pytest.fixture(scope="session")
def api_port() -> int:
    """Chosen before the server starts, since its redirect URI is registered at the provider."""
    return free_port()


@pytest.fixture(scope="session")
def identity_provider(
    api_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[IdentityProvider]:
    """The development identity provider, which registers the browser client at `api_port`."""
    origin = f"http://127.0.0.1:{api_port}"
    folder = tmp_path_factory.mktemp("identity")
    with IdentityProvider.serve(folder, client_origins=[origin]) as provider:
        yield provider


@pytest_asyncio.fixture(scope="session")
async def stub_provider() -> AsyncIterator[StubProvider]:
    """A provider that issues any token a test wants, for the server at `base_url`."""
    async with StubProvider().serving() as provider:
        yield provider


@pytest.fixture(scope="session")
def storage_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("storage")


@pytest_asyncio.fixture(scope="session")
async def base_url(
    migrated_url: str, stub_provider: StubProvider, storage_folder: Path
) -> AsyncIterator[str]:
    """One server for the whole run: every test also shows that it survived those before."""
    api = ApiSettings(upload_secret=SecretStr(UPLOAD_SECRET))
    settings = server_settings(migrated_url, stub_provider.issuer, storage_folder, api)
    async with serving(settings) as url:
        yield url


@pytest_asyncio.fixture
async def anonymous(base_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a token."""
    async with httpx2.AsyncClient(base_url=base_url, timeout=20) as client:
        yield client
