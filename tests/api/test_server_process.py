"""The server as it is run: a process of its own, tokens of the real provider, signals."""

import asyncio
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from core.database import Pool
from embedded.identity import IdentityProvider, read_accounts
from tests.api.imports.test_imports import new_import
from tests.api.readings.test_group_commit import another_writer, post, stored
from tests.support.ports import free_port

START_SECONDS = 60
CLIENT = "sensor-gateway"


def gateway_token(provider: IdentityProvider, scope: str) -> str:
    """An access token by client credentials, as a gateway gets it."""
    discovery = httpx2.get(f"{provider.issuer}/.well-known/openid-configuration").json()
    response = httpx2.post(
        discovery["token_endpoint"],
        auth=(CLIENT, read_accounts().client_secrets[CLIENT]),
        data={"grant_type": "client_credentials", "scope": scope},
    )
    token: str = response.raise_for_status().json()["access_token"]
    return token


@contextmanager
def server_process(  # noqa: PLR0917  # as often given by position
    database_url: str,
    issuer: str,
    folder: Path,
    port: int | None = None,
    drain_seconds: int = 20,
    host: str = "127.0.0.1",
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`sensorflow serve` and its base URL, once it answers."""
    port = port or free_port()
    settings = {
        "SENSORFLOW_DATABASE_URL": database_url,
        "SENSORFLOW_AUTH_ISSUER": issuer,
        "SENSORFLOW_AUTH_AUDIENCE": read_accounts().audience,
        "SENSORFLOW_STORAGE_URL": str(folder / "storage"),
        "SENSORFLOW_API_HOST": host,
        "SENSORFLOW_API_PORT": str(port),
        "SENSORFLOW_API_DRAIN_SECONDS": str(drain_seconds),
    }
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", "cli", "serve"], env=os.environ | settings, stdout=log
        ) as process,
    ):
        try:
            wait_until_live(f"http://{host}:{port}")
            yield process, f"http://{host}:{port}"
        finally:
            process.kill()


def wait_until_live(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx2.get(f"{url}/health/live").raise_for_status()
        except httpx2.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_a_gateway_writes_with_a_token_of_the_identity_provider_and_no_further_than_its_scopes(
    clean_url: str, identity_provider: IdentityProvider, tmp_path: Path
) -> None:
    reading = {"equipmentId": "a", "timestamp": "2026-01-01T00:00:00Z", "value": 1}
    writer = {"Authorization": f"Bearer {gateway_token(identity_provider, 'readings:write')}"}
    with server_process(clean_url, identity_provider.issuer, tmp_path) as (_, url):
        assert httpx2.post(f"{url}/sensor-data", json=reading).status_code == 401
        assert httpx2.post(f"{url}/sensor-data", json=reading, headers=writer).status_code == 201
        forbidden = httpx2.get(f"{url}/imports", headers=writer)
        assert (forbidden.status_code, forbidden.json()["code"]) == (403, "missing_scope")


async def test_more_connections_than_the_http_server_allows_by_default_stay_open(
    clean_url: str, identity_provider: IdentityProvider, tmp_path: Path
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with server_process(clean_url, identity_provider.issuer, tmp_path) as (_, url):
        async with AsyncExitStack() as opened:
            for _ in range(1_100):
                reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
                opened.callback(writer.close)
                writer.write(b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n")
                async with asyncio.timeout(20):
                    assert b" 200 " in await reader.readline()


async def test_requests_in_flight_are_completed_when_the_server_is_stopped(
    clean_url: str, pool: Pool, identity_provider: IdentityProvider, tmp_path: Path
) -> None:
    import_id = await new_import(pool)
    reader = {"Authorization": f"Bearer {gateway_token(identity_provider, 'imports:read')}"}
    with server_process(clean_url, identity_provider.issuer, tmp_path) as (process, url):
        async with httpx2.AsyncClient(base_url=url, headers=reader, timeout=30) as client:
            waiting = asyncio.create_task(
                client.get(f"/imports/{import_id}?wait=visible&timeout=60")
            )
            following = asyncio.create_task(client.get(f"/imports/{import_id}/events"))
            done, _ = await asyncio.wait([waiting, following], timeout=1)
            assert done == set()
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert (await waiting).json()["state"] == "queued"
            assert (await following).text.startswith("id: ")
        assert await asyncio.to_thread(process.wait, 20) == 0
        assert time.monotonic() - started < 10


async def test_every_accepted_reading_is_stored_before_the_server_stops(
    clean_url: str, pool: Pool, identity_provider: IdentityProvider, tmp_path: Path
) -> None:
    writer = {"Authorization": f"Bearer {gateway_token(identity_provider, 'readings:write')}"}
    with server_process(clean_url, identity_provider.issuer, tmp_path) as (process, url):
        async with httpx2.AsyncClient(base_url=url, headers=writer, timeout=30) as client:
            assert (await post(client, 20)).status_code == 201
            async with another_writer(pool, 0):
                posts = [asyncio.create_task(post(client, number)) for number in range(20)]
                while await answered_and_waiting(client, posts) < len(posts):
                    pass
                process.send_signal(signal.SIGTERM)
            responses = await asyncio.gather(*posts)
        assert {response.status_code for response in responses} == {201}
        assert await asyncio.to_thread(process.wait, 20) == 0
    assert len(await stored(pool)) == 21


@pytest.mark.parametrize(
    "unfinished",
    [
        b"POST /sensor-data HTTP/1.1\r\nHost: he",
        b"POST /sensor-data HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n{",
    ],
)
async def test_a_request_that_does_not_end_holds_up_the_stop_for_the_drain_time_at_most(
    clean_url: str, identity_provider: IdentityProvider, tmp_path: Path, unfinished: bytes
) -> None:
    with server_process(clean_url, identity_provider.issuer, tmp_path, drain_seconds=1) as served:
        process, url = served
        _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        writer.write(unfinished)
        await writer.drain()
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
        writer.close()
    log = (tmp_path / "log").read_text()
    assert "requests_cut_off" in log
    assert "Traceback" not in log


async def answered_and_waiting(
    client: httpx2.AsyncClient, posts: Sequence["asyncio.Task[httpx2.Response]"]
) -> int:
    """How many of the posts have arrived; that of the locked key waits, others may be stored."""
    answered = sum(post.done() for post in posts)
    metrics = (await client.get("/metrics")).raise_for_status().text
    waiting = re.search(r"^sensorflow_ingest_waiting_readings (\d+)", metrics, re.MULTILINE)
    assert waiting
    return answered + int(waiting[1])
