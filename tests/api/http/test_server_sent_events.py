"""The limit on open event streams; clients that disconnect or do not read are closed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio
from litestar.response.sse import ServerSentEventMessage

from core.database import Pool
from core.settings import ApiSettings
from tests.api.http.test_problem_details import assert_problem
from tests.api.imports.test_imports import new_import
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

LIVE = "/sensor-data/live"


@pytest_asyncio.fixture
async def served(
    clean_url: str, stub_provider: StubProvider, tmp_path: Path
) -> AsyncIterator[httpx2.AsyncClient]:
    """A server that allows two streams."""
    api = ApiSettings(max_event_streams=2)
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(server_settings(clean_url, stub_provider.issuer, tmp_path, api)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        yield client


async def until_a_stream_is_accepted(client: httpx2.AsyncClient) -> None:
    """Return when a disconnected client is noticed; bounded by the suite's time limit."""
    while True:
        async with client.stream("GET", LIVE) as response:
            if response.status_code == 200:
                return


async def test_one_stream_too_many_is_rejected_until_another_ends(
    served: httpx2.AsyncClient, pool: Pool
) -> None:
    following = f"/imports/{await new_import(pool)}/events"
    async with served.stream("GET", LIVE) as one, served.stream("GET", following) as other:
        assert (one.status_code, other.status_code) == (200, 200)
        for path in (LIVE, following):
            rejected = await served.get(path)
            assert_problem(rejected, 429, "too_many_streams")
            assert int(rejected.headers["retry-after"]) > 0
    await until_a_stream_is_accepted(served)


async def test_a_user_with_too_many_streams_is_rejected_and_others_are_not(
    clean_url: str, stub_provider: StubProvider, tmp_path: Path
) -> None:
    api = ApiSettings(max_event_streams=3, max_event_streams_per_user=1)
    one, other = ({"Authorization": f"Bearer {stub_provider.token(sub=sub)}"} for sub in "ab")
    async with (
        serving(server_settings(clean_url, stub_provider.issuer, tmp_path, api)) as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as client,
        client.stream("GET", LIVE, headers=one),
    ):
        for _ in range(3):  # those that are rejected hold nothing
            rejected = await client.get(LIVE, headers=one)
            assert "of this user" in assert_problem(rejected, 429, "too_many_streams")["message"]
            assert int(rejected.headers["retry-after"]) > 0
        async with client.stream("GET", LIVE, headers=other) as response:
            assert response.status_code == 200


async def test_a_client_that_does_not_read_is_disconnected(
    served: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.streaming.SEND_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr("api.imports.events.HEARTBEAT_SECONDS", 0)
    large = ServerSentEventMessage("x" * 1_000_000)  # some are more than a socket can hold
    monkeypatch.setattr("api.imports.events.HEARTBEAT", large)
    following = f"/imports/{await new_import(pool)}/events"
    address = urlsplit(str(served.base_url))
    stuck = [socket.create_connection((address.hostname, address.port)) for _ in range(2)]
    for connection in stuck:
        headers = f"Host: x\r\nAuthorization: {served.headers['authorization']}\r\n"
        connection.sendall(f"GET {following} HTTP/1.1\r\n{headers}\r\n".encode())
        assert await asyncio.to_thread(connection.recv, 12) == b"HTTP/1.1 200"
    await until_a_stream_is_accepted(served)
    for connection in stuck:
        connection.close()
