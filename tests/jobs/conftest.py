import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.database import Pool
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext


@pytest.fixture
def storage_settings(tmp_path: Path) -> StorageSettings:
    return StorageSettings(url=str(tmp_path / "storage"))


@pytest.fixture
def storage(storage_settings: StorageSettings) -> Storage:
    return Storage.open(storage_settings)


@pytest.fixture
def database(migrated_url: str) -> DatabaseSettings:
    return DatabaseSettings(url=SecretStr(migrated_url))


@pytest.fixture
def context(
    pool: Pool, application_pool: Pool, storage: Storage, database: DatabaseSettings
) -> ImportContext:
    """A worker's context, over an empty database and storage."""
    del pool
    return ImportContext(
        storage,
        database,
        WorkerSettings(),
        ReadingSettings(),
        asyncio.Event(),
        1000,
        application_pool,
    )
