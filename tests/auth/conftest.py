from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from litestar import Litestar
from pydantic import SecretStr

from api.app import create_app
from api.auth import provider_cache
from api.auth.valkey_sessions import TIMEOUT_SECONDS
from core.database import Pool
from core.valkey import valkey_client
from embedded.identity import IdentityProvider
from tests.api.serving import server_settings
from tests.auth.dedicated_provider import Ports
from tests.auth.postgres_sessions import PostgresSessions
from tests.auth.servers import ApiServer, running_server
from tests.auth.stored_sessions import StoredSessions, ValkeySessions
from tests.auth.user_agent import UserAgent, user_agent_at
from tests.support.hostile_provider import HostileProvider
from tests.support.ports import free_port
from tests.support.stub_provider import AUDIENCE
from tests.support.valkey_server import VALKEY, ValkeyServer


@pytest_asyncio.fixture(scope="session")
async def valkey_sessions(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ValkeySessions]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    with server.running():
        async with valkey_client(SecretStr(server.url), TIMEOUT_SECONDS) as client:
            yield ValkeySessions(client, server.url)


@pytest.fixture(scope="session", params=["postgresql", VALKEY])
def session_store(request: pytest.FixtureRequest, session_pool: Pool) -> StoredSessions:
    """Each of the session stores."""
    if request.param == "postgresql":
        return PostgresSessions(session_pool)
    store: ValkeySessions = request.getfixturevalue("valkey_sessions")
    return store


@pytest_asyncio.fixture
async def store(session_store: StoredSessions, pool: Pool) -> StoredSessions:
    """The session store in use, empty, and an empty database."""
    del pool
    await session_store.clear()
    return session_store


@pytest_asyncio.fixture(scope="session")
async def api_server(
    migrated_url: str,
    identity_provider: IdentityProvider,
    session_store: StoredSessions,
    api_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ApiServer]:
    """A server whose users sign in at the development identity provider."""
    storage: Path = tmp_path_factory.mktemp("storage")
    session = session_store.settings
    async with running_server(
        migrated_url, identity_provider.issuer, api_port, storage, session=session
    ) as server:
        yield server


@pytest_asyncio.fixture
async def user(api_server: ApiServer, store: StoredSessions) -> AsyncIterator[UserAgent]:
    """A user who is not signed in, at a server without any session."""
    del store
    async with user_agent_at(api_server.url) as user:
        yield user


@pytest_asyncio.fixture
async def other_user(api_server: ApiServer) -> AsyncIterator[UserAgent]:
    """A user at another browser."""
    async with user_agent_at(api_server.url) as user:
        yield user


@pytest_asyncio.fixture(scope="module")
async def module_provider() -> AsyncIterator[HostileProvider]:
    async with HostileProvider().serving() as provider:
        yield provider


@pytest_asyncio.fixture(scope="module")
async def hostile_url(
    migrated_url: str, module_provider: HostileProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A server whose only provider is the hostile one."""
    folder, auth = tmp_path_factory.mktemp("hostile"), {"audience": AUDIENCE}
    issuer = module_provider.issuer
    async with running_server(migrated_url, issuer, free_port(), folder, auth=auth) as server:
        yield server.url


@pytest_asyncio.fixture
async def provider(module_provider: HostileProvider) -> AsyncIterator[HostileProvider]:
    yield module_provider
    module_provider.make_peace()


@pytest_asyncio.fixture
async def auth_pool(session_pool: Pool) -> Pool:
    """A pool over a database without sessions and sign-ins; emptying all of it takes longer."""
    for table in ("sessions", "sign_ins", "sign_in_failures", "spent_tokens"):
        await session_pool.execute(f"DELETE FROM {table}")
    return session_pool


@pytest.fixture
def always_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was fetched of the provider is fetched again at its next use."""
    monkeypatch.setattr(provider_cache, "MAX_AGE_SECONDS", 0)
    monkeypatch.setattr(provider_cache, "COOLDOWN_SECONDS", 0)


@pytest.fixture
def app(tmp_path: Path) -> Litestar:
    """The application, not running."""
    away = "127.0.0.1:1"
    return create_app(server_settings(f"postgresql://{away}/none", f"http://{away}", tmp_path))


@pytest.fixture
def ports() -> Ports:
    return Ports()
