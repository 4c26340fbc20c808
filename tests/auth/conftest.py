from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from api.auth.valkey_sessions import TIMEOUT_SECONDS
from core.database import Pool
from core.valkey import valkey_client
from embedded.identity import IdentityProvider
from tests.auth.own_provider import Ports
from tests.auth.person import Person, person_at
from tests.auth.rows import PostgresSessions
from tests.auth.session_stores import SessionsAtRest, ValkeySessions
from tests.auth.signing_in import Site, running_site
from tests.support.ports import free_port
from tests.support.valkey_server import VALKEY, ValkeyServer


@pytest.fixture(scope="session")
def api_port() -> int:
    """Known before the server runs, since the provider must know where it leads back to."""
    return free_port()


@pytest.fixture(scope="session")
def provider(api_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    origin = f"http://127.0.0.1:{api_port}"
    folder = tmp_path_factory.mktemp("identity")
    with IdentityProvider.serve(folder, client_origins=[origin]) as provider:
        yield provider


@pytest_asyncio.fixture(scope="session")
async def valkey_sessions(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ValkeySessions]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    with server.running():
        async with valkey_client(SecretStr(server.url), TIMEOUT_SECONDS) as client:
            yield ValkeySessions(client, server.url)


@pytest.fixture(scope="session", params=["postgresql", VALKEY])
def session_store(request: pytest.FixtureRequest, session_pool: Pool) -> SessionsAtRest:
    """Each of the stores that sessions may be in."""
    if request.param == "postgresql":
        return PostgresSessions(session_pool)
    store: ValkeySessions = request.getfixturevalue("valkey_sessions")
    return store


@pytest_asyncio.fixture
async def store(session_store: SessionsAtRest, pool: Pool) -> SessionsAtRest:
    """The store in use, empty as the database is."""
    del pool
    await session_store.clear()
    return session_store


@pytest_asyncio.fixture(scope="session")
async def site(
    migrated_url: str,
    provider: IdentityProvider,
    session_store: SessionsAtRest,
    api_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Site]:
    storage: Path = tmp_path_factory.mktemp("storage")
    session = session_store.settings
    async with running_site(
        migrated_url, provider.issuer, api_port, storage, session=session
    ) as site:
        yield site


@pytest_asyncio.fixture
async def person(site: Site, store: SessionsAtRest) -> AsyncIterator[Person]:
    """Somebody who is not signed in, and nobody else is."""
    del store
    async with person_at(site.url) as person:
        yield person


@pytest_asyncio.fixture
async def stranger(site: Site) -> AsyncIterator[Person]:
    """Somebody at another browser."""
    async with person_at(site.url) as person:
        yield person


@pytest.fixture
def ports() -> Ports:
    return Ports()
