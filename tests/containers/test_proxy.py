"""Two servers of the API behind the proxy of the compose stack, as processes."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from core.database import Pool
from embedded.identity import IdentityProvider
from tests.api.imports.test_presigned_uploads import announced
from tests.api.live.test_live import NOON, following, post, short, take
from tests.api.serving import UPLOAD_SECRET
from tests.api.test_server_process import gateway_token, server_process
from tests.containers.haproxy import Names, needs_haproxy, proxying
from tests.support.ports import free_port

pytestmark = needs_haproxy

REPLICAS = ["127.0.0.2", "127.0.0.3"]
MEGABYTE = 2**20
ROW = b"a,2026-01-01T00:00:00Z,1\n"
SCOPES = "readings:read readings:write imports:write imports:read"


@dataclass(frozen=True)
class Stack:
    url: str
    names: Names
    processes: list[subprocess.Popen[bytes]]
    folder: Path
    headers: dict[str, str]

    def client(self, address: str = "127.0.0.1") -> httpx2.AsyncClient:
        """A client at this address."""
        transport = httpx2.AsyncHTTPTransport(local_address=address)
        return httpx2.AsyncClient(
            base_url=self.url, headers=self.headers, timeout=30, transport=transport
        )


@pytest_asyncio.fixture(scope="module")
async def stack(
    migrated_url: str,
    identity_provider: IdentityProvider,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Stack]:
    """Each test stops none of these but the last one."""
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    token = gateway_token(identity_provider, SCOPES)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as started:
        patch.setenv("SENSORFLOW_API_TRUSTED_PROXIES", "1")
        patch.setenv("SENSORFLOW_API_UPLOAD_SECRET", UPLOAD_SECRET)
        patch.setenv("SENSORFLOW_AUTH_MAX_FAILURES_PER_ADDRESS", "2")
        processes = [
            started.enter_context(
                server_process(migrated_url, identity_provider.issuer, folder, port, host=host)
            )[0]
            for host in REPLICAS
        ]
        async with proxying(folder, REPLICAS, port) as (url, names):
            yield Stack(url, names, processes, folder, {"Authorization": f"Bearer {token}"})


async def test_an_event_is_seen_when_it_happens(stack: Stack, pool: Pool) -> None:
    del pool
    async with stack.client() as reader, stack.client() as writer, following(reader, "a") as events:
        for number in range(3):
            ts = NOON + timedelta(minutes=61 * number)
            await post(writer, "a", ts, number)
            received = await take(events, 2)
            assert short(received[0]) == ("reading", "a", number)


async def test_an_upload_is_passed_on_while_it_is_sent(stack: Stack, pool: Pool) -> None:
    """So that no proxy's disk or memory needs to hold it."""
    del pool
    content = b"equipmentId,timestamp,value\n" + ROW * (32 * MEGABYTE // len(ROW))
    sent = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield content[: 24 * MEGABYTE]
        sent.set()
        async with asyncio.timeout(30):
            while bytes_below(stack.folder / "storage") < 8 * MEGABYTE:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield content[24 * MEGABYTE :]

    async with stack.client() as client:
        _, url = await announced(client, sizeBytes=len(content))
        response = await client.put(url, content=body())
    assert sent.is_set()
    assert response.is_success


def bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def test_the_client_has_the_address_from_which_it_connects_and_no_other(
    stack: Stack, pool: Pool
) -> None:
    """Failed sign-ins are counted by it."""
    del pool

    async def guess(client: httpx2.AsyncClient, number: int) -> int:
        response = await client.post(
            "/auth/login",
            auth=(f"user-{number}", "wrong"),
            headers={"X-Forwarded-For": f"192.0.2.{number}", "X-Forwarded-Proto": "https"},
        )
        assert "strict-transport-security" not in response.headers
        return response.status_code

    async with stack.client("127.0.0.10") as one, stack.client("127.0.0.20") as other:
        assert [await guess(one, number) for number in range(4)] == [400, 400, 429, 429]
        assert await guess(other, 9) == 400


async def test_no_request_fails_while_a_replica_stops(stack: Stack, pool: Pool) -> None:
    del pool
    process = stack.processes[0]
    statuses: list[int] = []

    async def work(number: int) -> None:
        async with stack.client() as client:
            while process.poll() is None or len(statuses) < 200:
                ts = NOON + timedelta(seconds=len(statuses))
                reading = {"equipmentId": f"a{number}", "timestamp": ts.isoformat(), "value": 1}
                statuses.append((await client.post("/sensor-data", json=reading)).status_code)
                statuses.append((await client.get("/equipment")).status_code)

    working = [asyncio.create_task(work(number)) for number in range(4)]
    while len(statuses) < 40:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    stack.names.addresses = REPLICAS[1:]
    await asyncio.gather(*working)
    assert process.returncode == 0
    assert set(statuses) == {200, 201}
