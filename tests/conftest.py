"""Fixtures every test may use: the database of this run, migrated, and a clean one a test."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.database import Pool, open_pool
from core.settings import DatabaseSettings
from migrations.runner import upgrade


@pytest.fixture(scope="session")
def database_url() -> str:
    """The database of this run."""
    return os.environ["SENSORFLOW_TEST_DATABASE_URL"]


@pytest_asyncio.fixture(scope="session")
async def migrated_url(database_url: str) -> str:
    """The database of this run, brought to the newest schema."""
    await upgrade(database_url)
    return database_url


@pytest_asyncio.fixture(scope="session")
async def session_pool(migrated_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(DatabaseSettings(url=SecretStr(migrated_url)))
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def pool(session_pool: Pool) -> Pool:
    """A pool over a database in which no reading, rollup, import or job is left of other tests."""
    await session_pool.execute(
        """
        TRUNCATE readings; TRUNCATE readings_1h; TRUNCATE readings_1d;
        TRUNCATE imports, rollup_dirty_ranges, retention_horizon, workers, queue.pgqueuer
        """
    )
    return session_pool
