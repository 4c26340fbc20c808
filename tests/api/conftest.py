from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.database import Pool
from core.settings import ApiSettings
from embedded.identity import IdentityProvider
from tests.api.provider import Provider
from tests.api.serving import UPLOAD_SECRET, server_settings, serving


@pytest_asyncio.fixture(scope="session")
async def provider() -> AsyncIterator[Provider]:
    async with Provider().serving() as provider:
        yield provider


@pytest.fixture(scope="session")
def storage_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("storage")


@pytest_asyncio.fixture(scope="session")
async def base_url(
    migrated_url: str, provider: Provider, storage_folder: Path
) -> AsyncIterator[str]:
    """One server for the whole run: every test also shows that it survived those before."""
    api = ApiSettings(upload_secret=SecretStr(UPLOAD_SECRET))
    settings = server_settings(migrated_url, provider.issuer, storage_folder, api)
    async with serving(settings) as url:
        yield url


@pytest_asyncio.fixture
async def anonymous(base_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=base_url, timeout=20) as client:
        yield client


@pytest_asyncio.fixture
async def client(
    base_url: str, provider: Provider, pool: Pool
) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller with every scope, and a clean database behind the server."""
    del pool
    headers = {"Authorization": f"Bearer {provider.token()}"}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def real_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    with IdentityProvider.serve(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest_asyncio.fixture
async def clean_url(migrated_url: str, pool: Pool) -> str:
    del pool
    return migrated_url
