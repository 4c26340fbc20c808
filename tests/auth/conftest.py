from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from core.database import Pool
from embedded.identity import IdentityProvider
from tests.auth.own_provider import Ports
from tests.auth.person import Person, person_at
from tests.auth.signing_in import Site, running_site
from tests.support.ports import free_port


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
async def site(
    migrated_url: str,
    provider: IdentityProvider,
    api_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Site]:
    storage: Path = tmp_path_factory.mktemp("storage")
    async with running_site(migrated_url, provider.issuer, api_port, storage) as site:
        yield site


@pytest_asyncio.fixture
async def person(site: Site, pool: Pool) -> AsyncIterator[Person]:
    """Somebody who is not signed in, and nobody else is."""
    del pool
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
