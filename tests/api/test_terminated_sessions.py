"""pg_terminate_backend under load: a lost session is a 503, and what was acknowledged is stored."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio

from core.database import Pool, borrowed, shares_one_session
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

NAME = "sensorflow-test-victim"
START = datetime(2026, 1, 1, tzinfo=UTC)
SENDERS = 16
TERMINATIONS = 10
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"

Answers = list[tuple[int, str | None]]


@pytest_asyncio.fixture
async def own_client(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> AsyncIterator[httpx2.AsyncClient]:
    """Of a server whose sessions have a name of their own."""
    async with borrowed(pool) as connection:
        if await shares_one_session(connection):
            pytest.skip("the embedded engine has no sessions that could be terminated")
    separator = "&" if urlsplit(migrated_url).query else "?"
    named = f"{migrated_url}{separator}application_name={NAME}"
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(server_settings(named, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=30) as client,
    ):
        yield client


class Load:
    """Readings, batches and questions side by side until it is ended."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self.answers: Answers = []
        self.acknowledged: set[str] = set()
        self.ended = False

    async def send(self, sender: int) -> None:
        number = 0
        while not self.ended:
            number += 1
            equipment_id, ts = f"{sender}-{number}", START + timedelta(seconds=number)
            reading = {"equipmentId": equipment_id, "timestamp": ts.isoformat(), "value": number}
            answer = await self._ask(sender, reading)
            self.answers.append((answer.status_code, answer.headers.get("retry-after")))
            if answer.is_success and sender % 4 < 2:
                self.acknowledged.add(equipment_id)

    async def _ask(self, sender: int, reading: dict[str, object]) -> httpx2.Response:
        match sender % 4:
            case 0:
                return await self._client.post("/sensor-data", json=reading)
            case 1:
                return await self._client.post("/sensor-data/batch", json=[reading])
            case 2:
                return await self._client.get("/sensor-data/aggregated?interval=24h")
            case _:
                return await self._client.get("/imports")


async def test_terminated_sessions_are_answered_503_and_nothing_acknowledged_is_lost(
    own_client: httpx2.AsyncClient, pool: Pool
) -> None:
    load = Load(own_client)
    async with asyncio.TaskGroup() as tasks:
        for sender in range(SENDERS):
            tasks.create_task(load.send(sender))
        for _ in range(TERMINATIONS):
            await asyncio.sleep(0.2)
            await pool.execute(TERMINATE, NAME)
        load.ended = True
    unsuccessful = {answer for answer in load.answers if answer[0] >= 400}
    assert unsuccessful == {(503, "2")}
    stored = {row[0] for row in await pool.fetch("SELECT equipment_id FROM readings")}
    assert load.acknowledged <= stored
    assert load.acknowledged
