"""Connections that send no request, or half of one: they end, and others are served meanwhile.

    SENSORFLOW_TEST_HALF_OPEN_CONNECTIONS=10000 \\
        pytest -o log_cli=true --log-cli-level=INFO tests/api/test_half_open_connections.py

opens as many as docs/deployment.md has figures of, and logs what they took.
"""

import asyncio
import logging
import os
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from embedded.identity import IdentityProvider
from tests.api.imports.test_upload_memory import MEBIBYTE, peak_bytes
from tests.api.readings.test_group_commit import post
from tests.api.test_server_process import gateway_token, server_process

log = logging.getLogger(__name__)

CONNECTIONS = int(os.environ.get("SENSORFLOW_TEST_HALF_OPEN_CONNECTIONS", "300"))
MAX_BYTES_EACH = 32 * 1024
OPENED_AT_ONCE = 200

HALF_A_HEAD = b"POST /sensor-data HTTP/1.1\r\nHost: here\r\n"
STARTS = (
    b"",
    b"P",
    HALF_A_HEAD,
    b"PRI * HTTP/2.0\r\n\r\n",
    HALF_A_HEAD + b"Content-Length: 10\r\n\r\n1",
    b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n",
)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(autouse=True)
def _many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@asynccontextmanager
async def half_open(url: str, count: int) -> AsyncIterator[list[Connection]]:
    """Connections, each with one of STARTS sent."""
    port, starts, opened = urlsplit(url).port, cycle(STARTS), list[Connection]()
    try:
        while len(opened) < count:
            batch = min(OPENED_AT_ONCE, count - len(opened))
            connecting = (asyncio.open_connection("127.0.0.1", port) for _ in range(batch))
            opened += await asyncio.gather(*connecting)
            for (_, writer), start in zip(opened[-batch:], starts, strict=False):
                writer.write(start)
        yield opened
    finally:
        for _, writer in opened:
            writer.close()


async def until_closed(connections: list[Connection]) -> None:
    """Return when the server has closed each of them."""
    await asyncio.gather(*(_until_closed(reader) for reader, _ in connections))


async def _until_closed(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(2**16):
            pass
    except ConnectionResetError:
        pass


async def test_half_open_connections_end_and_other_clients_are_served_meanwhile(
    clean_url: str,
    identity_provider: IdentityProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if CONNECTIONS < 10_000:
        monkeypatch.setenv("SENSORFLOW_API_HEADER_TIMEOUT_SECONDS", "5")
    headers = {"Authorization": f"Bearer {gateway_token(identity_provider, 'readings:write')}"}
    with server_process(clean_url, identity_provider.issuer, tmp_path) as (process, url):
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
            assert (await post(client, 0)).status_code == 201
            before = peak_bytes(process.pid)
            began = time.monotonic()
            async with half_open(url, CONNECTIONS) as connections:
                log.info("opened %s in %.1f s", CONNECTIONS, time.monotonic() - began)
                closing = asyncio.create_task(until_closed(connections))
                slowest, served = 0.0, 0
                while not closing.done() or served < 10:
                    asked = time.monotonic()
                    served += 1
                    assert (await post(client, served)).status_code == 201
                    slowest = max(slowest, time.monotonic() - asked)
                await closing
            log.info(
                "all closed %.1f s after the first; %s requests meanwhile, slowest %.3f s; %s MiB",
                time.monotonic() - began,
                served,
                slowest,
                (peak_bytes(process.pid) - before) // MEBIBYTE,
            )
            assert peak_bytes(process.pid) - before < 64 * MEBIBYTE + CONNECTIONS * MAX_BYTES_EACH


async def test_as_many_half_open_connections_as_are_allowed_hold_others_up_only_until_they_end(
    clean_url: str,
    identity_provider: IdentityProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SENSORFLOW_API_MAX_CONNECTIONS", "20")
    monkeypatch.setenv("SENSORFLOW_API_HEADER_TIMEOUT_SECONDS", "2")
    with server_process(clean_url, identity_provider.issuer, tmp_path) as (_, url):
        async with half_open(url, 50) as connections, httpx2.AsyncClient(timeout=60) as client:
            assert (await client.get(f"{url}/health/live")).status_code == 200
            await until_closed(connections)
