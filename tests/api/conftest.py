from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio

from core.database import Pool
from tests.support.stub_provider import StubProvider


@pytest_asyncio.fixture
async def client(
    base_url: str, stub_provider: StubProvider, pool: Pool
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with every scope, and a clean database behind the server."""
    del pool
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=20) as client:
        yield client


@pytest_asyncio.fixture
async def clean_url(migrated_url: str, pool: Pool) -> str:
    del pool
    return migrated_url
