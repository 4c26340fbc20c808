"""The sample's weather of the last 35 days behind a server of the API, and a login of a BI tool."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from cli.demo.descriptions import description
from cli.demo.sample import read_sample, replay_until
from core.database import Pool, shares_one_session
from core.settings import DatabaseSettings
from jobs.rollups.refresh import refresh_dirty_ranges
from tests.bi_tools.install import is_installed
from tests.cli.test_commands import sensorflow
from tests.conftest import empty_database
from tests.support.stub_provider import StubProvider

HERE = Path(__file__).parent
QUANTITIES = ("TEMP", "DEWP", "HUMID")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, so that no other run of the suite collects it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("bi_tools")


@dataclass(frozen=True)
class Login:
    """Where a BI tool connects, and as whom."""

    host: str
    port: int
    database: str
    user: str
    password: str

    @property
    def url(self) -> str:
        """For libpq, asyncpg and SQLAlchemy."""
        address = f"{self.host}:{self.port}/{self.database}"
        return f"postgresql://{self.user}:{self.password}@{address}"


def require_installed(tool: str) -> None:
    """Skip where the tool's virtual environment was not made."""
    if not is_installed(tool):
        command = f".venv/bin/python -m tests.bi_tools.install {tool}"
        pytest.skip(f"{tool} is not installed here: {command}")


@contextmanager
def created_login(owner_url: str, *options: str) -> Iterator[Login]:
    """A login made as docs/bi says, until the block ends."""
    name = f"tool_{token_hex(4)}"
    created = sensorflow("bi-user", "create", name, *options, SENSORFLOW_DATABASE_URL=owner_url)
    assert created.returncode == 0, created.stderr
    parts = urlsplit(owner_url)
    address = parts.hostname or "", parts.port or 5432, parts.path[1:]
    try:
        yield Login(*address, name, created.stdout.strip())
    finally:
        sensorflow("bi-user", "revoke", name, SENSORFLOW_DATABASE_URL=owner_url)


@pytest.fixture(scope="session")
def bi_login(owner_url: str) -> Iterator[Login]:
    """A login with the usual limits."""
    with created_login(owner_url) as login:
        yield login


@pytest_asyncio.fixture(scope="session")
async def native(session_pool: Pool) -> None:
    """Skip on the embedded engine, where every login is a superuser and all share one session."""
    async with session_pool.acquire() as connection:
        if await shares_one_session(connection):
            pytest.skip("set SENSORFLOW_TEST_DATABASE_URL to a native TimescaleDB")


@pytest_asyncio.fixture(scope="session")
async def api(base_url: str, stub_provider: StubProvider) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API with every scope."""
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=60) as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def weather(
    native: None, api: httpx2.AsyncClient, session_pool: Pool, owner_url: str
) -> None:
    """Temperature, dew point and humidity of three airports, each hour until now."""
    del native
    await empty_database(session_pool)
    rows = [
        row
        for row in await asyncio.to_thread(lambda: replay_until(datetime.now(UTC), read_sample()))
        if row.equipment_id.endswith(QUANTITIES)
    ]
    batch = [
        {"equipmentId": row.equipment_id, "timestamp": row.ts.isoformat(), "value": row.value}
        for row in rows
    ]
    (await api.post("/sensor-data/batch", json=batch)).raise_for_status()
    for equipment_id in {row.equipment_id for row in rows}:
        headers = {"Content-Type": "application/merge-patch+json"}
        patch = description(equipment_id)
        path = f"/equipment/{equipment_id}"
        (await api.patch(path, json=patch, headers=headers)).raise_for_status()
    await refresh_dirty_ranges(DatabaseSettings(url=SecretStr(owner_url)))
