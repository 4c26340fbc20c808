"""Batches beside other requests and with a failing database: all of one or nothing."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from asyncpg.exceptions import DeadlockDetectedError
from prometheus_client import CollectorRegistry

from api.readings.batch_writer import BatchOptions, BatchWriter
from api.readings.metrics import IngestMetrics
from api.readings.repository import BatchTransaction, ReadingRepository
from api.readings.validated_rows import ValidatedRows
from core.database import Pool
from core.settings import IngestSettings
from tests.api.batches.test_batches import START, post, row
from tests.api.proxy import proxied
from tests.api.readings import test_group_commit
from tests.api.readings.test_group_commit import another_writer, reading
from tests.api.readings.test_readings import stored
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

SEED = 20260102
ROWS = 20


def headers(stub_provider: StubProvider) -> dict[str, str]:
    return {"Authorization": f"Bearer {stub_provider.token()}"}


async def test_a_batch_that_is_acknowledged_is_stored_and_any_other_wholly_or_not_at_all(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    chance = random.Random(SEED)  # noqa: S311  # for repeatable tests, not for secrets
    acknowledged: set[int] = set()

    async def send(batch: int) -> None:
        rows = [row(batch * ROWS + number) for number in range(ROWS)]
        response = await post(client, rows)
        assert response.status_code in {200, 503}
        if response.status_code == 200:
            acknowledged.add(batch)

    async with (
        proxied(migrated_url) as proxy,
        serving(server_settings(proxy.url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers(stub_provider), timeout=20) as client,
    ):
        for first in range(0, 60, 3):
            proxy.drop_after(chance.randrange(60))
            await asyncio.gather(*(send(batch) for batch in range(first, first + 3)))
    assert 0 < len(acknowledged) < 60
    minutes = [(ts - START) // timedelta(minutes=1) for _, ts, _ in await stored(pool)]
    batches = {minute // ROWS for minute in minutes}
    assert acknowledged <= batches
    assert len(minutes) == len(batches) * ROWS


@asynccontextmanager
async def small_server(
    migrated_url: str, stub_provider: StubProvider, folder: Path
) -> AsyncIterator[httpx2.AsyncClient]:
    settings = IngestSettings(max_waiting_batches=1)
    server = server_settings(migrated_url, stub_provider.issuer, folder, ingest=settings)
    async with (
        serving(server) as url,
        httpx2.AsyncClient(base_url=url, headers=headers(stub_provider), timeout=20) as client,
    ):
        yield client


async def test_more_batches_than_may_wait_are_refused_with_retry_after(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    async with small_server(migrated_url, stub_provider, tmp_path) as client:
        assert (await post(client, [row(1)])).status_code == 200
        async with another_writer(pool, 0):
            posts = [asyncio.create_task(post(client, [row(0)])) for _ in range(2)]
            done, held = await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
        refused, accepted = done.pop().result(), await held.pop()
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert refused.headers["retry-after"] == "2"
        assert accepted.status_code == 200
        assert (await post(client, [row(0)])).status_code == 200


async def test_single_readings_are_saved_while_a_large_batch_is_read(
    client: httpx2.AsyncClient,
) -> None:
    odd = json.dumps(row()).replace("T", "t").encode()  # takes the full path
    large = asyncio.create_task(post(client, b"\n".join([odd] * 100_000), mode="partial"))
    saved = 0
    while not large.done():
        assert (await test_group_commit.post(client, saved)).status_code == 201
        saved += 1
    assert (await large).status_code == 200
    assert saved > 1


class Deadlocking(ReadingRepository):
    """Fails its first transactions as a deadlock does."""

    def __init__(self, pool: Pool, times: int) -> None:
        super().__init__(pool)
        self._left = times

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[BatchTransaction]:
        async with super().batch() as batch:
            yield batch
            self._left -= 1
            if self._left >= 0:
                raise DeadlockDetectedError


@pytest.mark.parametrize("times", [1, 4])
async def test_a_batch_that_was_rolled_back_for_a_deadlock_is_written_again(
    pool: Pool, times: int
) -> None:
    metrics = IngestMetrics(CollectorRegistry())
    writer = BatchWriter(Deadlocking(pool, times), IngestSettings(), metrics)
    rows = ValidatedRows()
    rows.accept(0, reading(1))
    account = await writer.write(rows, BatchOptions())
    assert account.inserted == 1
    assert len(await stored(pool)) == 1


async def test_the_metrics_count_batches_and_their_rejects(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    del pool
    async with small_server(migrated_url, stub_provider, tmp_path) as client:
        await post(client, [row(0), row(1), row(2, None)], mode="partial")
        await post(client, [row(0), row(2, "x")])
        lines = (await client.get("/metrics")).text.splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if line.startswith("sensorflow_ingest"))
    assert figures["sensorflow_ingest_batch_readings_sum"] == "2.0"
    assert figures["sensorflow_ingest_waiting_batches"] == "0.0"
    rejected = 'sensorflow_ingest_rejected_readings_total{{code="{}"}}'.format
    assert figures[rejected("missing_value")] == figures[rejected("bad_number")] == "1.0"
