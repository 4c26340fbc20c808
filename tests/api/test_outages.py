"""Outages of the database: responses are quick and truthful, and recovery is automatic."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from core.database import Pool
from tests.api.imports.test_imports import UNKNOWN, new_import, set_state
from tests.api.imports.test_uploads import files_below
from tests.api.proxy import Proxy, proxied
from tests.api.readings.ways import WAYS, make_token_known
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

READING = {"equipmentId": "a", "timestamp": "2026-01-01T00:00:00Z", "value": 1}


@pytest_asyncio.fixture
async def proxy(migrated_url: str) -> AsyncIterator[Proxy]:
    async with proxied(migrated_url) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def served(
    proxy: Proxy, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server whose database is behind the proxy."""
    del pool
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(server_settings(proxy.url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        yield client


async def request_everything(client: httpx2.AsyncClient) -> list[httpx2.Response]:
    return [
        await client.post("/sensor-data", json=READING),
        await client.get("/sensor-data/aggregated?interval=24h"),
        await client.get("/imports"),
        await client.get(f"/imports/{UNKNOWN}"),
        await client.get(f"/imports/{UNKNOWN}/rejects"),
        await client.get(f"/imports/{UNKNOWN}/events"),
        await client.post("/sensor-data/upload-csv", files={"file": ("a.csv", b"a,b,c\n")}),
    ]


async def test_without_the_database_every_route_fails_at_once_and_recovers_by_itself(
    served: httpx2.AsyncClient, proxy: Proxy, pool: Pool, tmp_path: Path
) -> None:
    before = await request_everything(served)
    assert [response.status_code for response in before] == [201, 200, 200, 404, 404, 404, 201]
    await proxy.cut()
    started = time.monotonic()
    during = await request_everything(served)
    assert time.monotonic() - started < 5
    assert {response.status_code for response in during} == {503}
    assert {response.json()["code"] for response in during} == {"database_unavailable"}
    assert {response.headers["retry-after"] for response in during} == {"2"}
    await proxy.restore()
    after = await request_everything(served)
    assert [response.status_code for response in after] == [201, 200, 200, 404, 404, 404, 201]
    assert await pool.fetchval("SELECT count(*) FROM imports") == 2
    # The file of the upload in between stays: whether its import was committed is unknown.
    assert len(files_below(tmp_path)) == 3


async def test_readiness_follows_the_database_and_liveness_does_not(
    served: httpx2.AsyncClient, proxy: Proxy
) -> None:
    assert (await served.get("/health/ready")).status_code == 200
    await proxy.cut()
    unready = await served.get("/health/ready")
    assert unready.status_code == 503
    assert unready.json() == {
        "status": "unready",
        "checks": {"database": "unavailable", "migrations": "unknown", "worker": "unknown"},
    }
    assert (await served.get("/health/live")).status_code == 200
    assert (await served.get("/")).text == "ok"
    await proxy.restore()
    assert (await served.get("/health/ready")).status_code == 200


async def test_a_server_starts_without_its_database_and_its_provider(
    proxy: Proxy, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    del pool
    await proxy.cut()
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(server_settings(proxy.url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.post("/sensor-data", json=READING)).status_code == 503
        await proxy.restore()
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.post("/sensor-data", json=READING)).status_code == 201


async def test_an_unreachable_provider_is_distinguished_from_a_bad_token(
    migrated_url: str, tmp_path: Path
) -> None:
    async with StubProvider().serving() as own:
        own.down = True
        async with (
            serving(server_settings(migrated_url, own.issuer, tmp_path)) as url,
            httpx2.AsyncClient(base_url=url) as client,
        ):
            headers = {"Authorization": f"Bearer {own.token()}"}
            response = await client.get("/imports", headers=headers)
    assert response.status_code == 503
    assert response.json()["code"] == "identity_provider_unavailable"
    assert response.headers["retry-after"]


async def test_waiting_for_an_import_survives_a_restart_of_the_database(
    served: httpx2.AsyncClient, proxy: Proxy, pool: Pool
) -> None:
    import_id = await new_import(pool)
    waiting = asyncio.create_task(served.get(f"/imports/{import_id}?wait=visible&timeout=20"))
    await asyncio.wait([waiting], timeout=0.4)
    await proxy.cut()
    await asyncio.wait([waiting], timeout=0.6)
    assert not waiting.done()
    await proxy.restore()
    await set_state(pool, import_id, "done")
    assert (await waiting).json()["state"] == "done"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", "database_full"),
        ("53200", "database_overloaded"),
        ("53300", "database_overloaded"),
    ],
)
async def test_exhausted_database_resources_are_reported_on_every_way_in_with_retry_after(
    client: httpx2.AsyncClient, pool: Pool, state: str, code: str
) -> None:
    await pool.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION USING ERRCODE = '{state}'; END $$;"
        "CREATE TRIGGER fail BEFORE INSERT ON readings FOR EACH ROW EXECUTE FUNCTION fail()"
    )
    await make_token_known(client)
    try:
        responses = [
            await client.post("/sensor-data", json=READING),
            await client.post("/sensor-data", json=READING, headers=WAYS["framework"]),
            await client.post("/sensor-data/batch", json=[READING]),
            await client.post("/api/v2/write", content=b"m f=1"),
        ]
    finally:
        await pool.execute("DROP FUNCTION fail CASCADE")
    assert {(response.status_code, response.json()["code"]) for response in responses} == {
        (503, code)
    }
    assert {response.headers["retry-after"] for response in responses} == {"2"}
    assert await pool.fetchval("SELECT count(*) FROM readings") == 0
