"""What clients of InfluxDB ask to learn whether anybody is there, and what has become of them."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from core.database import Pool
from core.queries import queries
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

VERSION = "1.8.10"
HEADERS = {"x-influxdb-version": VERSION, "x-influxdb-build": "OSS"}


@pytest_asyncio.fixture
async def without_database(
    tmp_path: Path, stub_provider: StubProvider
) -> AsyncIterator[httpx2.AsyncClient]:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    async with (
        serving(server_settings(nowhere, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as client,
    ):
        yield client


@pytest.mark.parametrize("query", ["", "?verbose=false", "?verbose=0", "?verbose=", "?u=a&p=b"])
async def test_ping_is_answered_without_a_body(anonymous: httpx2.AsyncClient, query: str) -> None:
    response = await anonymous.get(f"/ping{query}")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers.items() >= HEADERS.items()


@pytest.mark.parametrize("query", ["?verbose=true", "?verbose=1", "?verbose=true&u=a&p=b"])
async def test_ping_is_answered_with_the_version_where_verbose_is_true(
    anonymous: httpx2.AsyncClient, query: str
) -> None:
    response = await anonymous.get(f"/ping{query}")
    assert (response.status_code, response.json()) == (200, {"version": VERSION})
    assert response.headers.items() >= HEADERS.items()


async def test_health_is_reported_in_the_words_of_influxdb(anonymous: httpx2.AsyncClient) -> None:
    response = await anonymous.get("/health")
    assert response.status_code == 200
    assert response.headers.items() >= HEADERS.items()
    assert response.json() == {
        "name": "influxdb",
        "message": "ready for queries and writes",
        "status": "pass",
        "checks": [],
        "version": VERSION,
        "commit": f"sensorflow-{version('sensorflow')}",
    }


async def test_ready_tells_since_when_the_server_runs(anonymous: httpx2.AsyncClient) -> None:
    response = await anonymous.get("/ready")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert response.headers.items() >= HEADERS.items()
    up = re.fullmatch(r"([0-9]+\.[0-9]{3})s", response.json()["up"])
    assert up is not None
    started = datetime.fromisoformat(response.json()["started"])
    assert abs(datetime.now(UTC) - started - timedelta(seconds=float(up[1]))) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/ping", 204), ("/ping?verbose=true", 200), ("/health", 200), ("/ready", 200)],
)
async def test_head_is_answered_too(anonymous: httpx2.AsyncClient, path: str, status: int) -> None:
    response = await anonymous.head(path)
    assert (response.status_code, response.content) == (status, b"")
    assert response.headers.items() >= HEADERS.items()


async def test_without_a_database_the_server_is_there_but_neither_healthy_nor_ready(
    without_database: httpx2.AsyncClient,
) -> None:
    assert (await without_database.get("/ping")).status_code == 204
    health = await without_database.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "fail")
    assert health.json()["message"] == "not ready for writes"
    assert health.json()["checks"] == [
        {"name": "database", "status": "fail", "message": "unavailable"},
        {"name": "migrations", "status": "fail", "message": "unknown"},
    ]
    assert health.headers.items() >= HEADERS.items()
    ready = await without_database.get("/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "unready")


async def test_a_schema_that_is_behind_is_reported(
    anonymous: httpx2.AsyncClient, pool: Pool
) -> None:
    current = await queries().schema_revision(pool)
    await pool.execute("UPDATE alembic_version SET version_num = '0001'")
    try:
        response = await anonymous.get("/health")
    finally:
        await pool.execute("UPDATE alembic_version SET version_num = $1", current)
    assert response.status_code == 503
    assert response.json()["checks"] == [
        {"name": "database", "status": "pass", "message": "ok"},
        {"name": "migrations", "status": "fail", "message": "behind"},
    ]
