"""Fixtures every test may use: the database of this run, migrated, and a clean one a test."""

import os
from collections.abc import AsyncIterator, Iterator
from functools import cache

import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.database import Pool, open_pool
from core.settings import DatabaseSettings
from migrations.runner import upgrade
from tests.database import Database, choose_database, docker_answers


@cache
def database_of_this_run() -> Database:
    return choose_database(os.environ, docker_answers)


def pytest_report_header() -> str:
    return f"database: {database_of_this_run()}"


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The database of this run."""
    with database_of_this_run().running(tmp_path_factory.mktemp("database")) as url:
        yield url


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
    await empty_database(session_pool)
    return session_pool


async def empty_database(pool: Pool) -> None:
    await pool.execute(
        """
        TRUNCATE readings; TRUNCATE readings_1h; TRUNCATE readings_1d;
        TRUNCATE imports, rollup_dirty_ranges, opened_chunks, retention_horizon, workers;
        TRUNCATE queue.pgqueuer;
        TRUNCATE equipment, data_changes, data_versions, rollup_audits;
        TRUNCATE idempotency_keys, sessions, spent_tokens, sign_ins, sign_in_failures
        """
    )
