"""Readings that share a transaction: each request has its own outcome, and none is lost."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from api.readings.errors import TooManyReadingsError
from api.readings.group_commit import GroupCommit, Save
from api.readings.metrics import IngestMetrics
from api.readings.repository import ReadingRepository
from core.database import Connection, Pool
from core.errors import DatabaseUnavailableError
from core.readings import Reading
from core.settings import IngestSettings
from tests.api.proxy import proxied
from tests.api.readings.ways import WAYS, make_token_known
from tests.api.serving import server_settings, serving
from tests.conftest import empty_database
from tests.support.stub_provider import StubProvider

START = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = START + timedelta(hours=1)
SEED = 20260101

readings = st.builds(
    Reading,
    st.sampled_from(["a", "b"]),
    st.sampled_from([START + timedelta(minutes=25 * step) for step in range(6)]),
    st.integers(1, 4).map(float),
)


def group_commit(save: Save, **changes: Any) -> GroupCommit:
    return GroupCommit(save, IngestSettings(**changes), IngestMetrics(CollectorRegistry()))


def reading(number: int) -> Reading:
    return Reading("a", START + timedelta(seconds=number), float(number))


async def stored(pool: Pool) -> dict[tuple[str, datetime], float]:
    rows = await pool.fetch("SELECT equipment_id, ts, value FROM readings")
    values = {(row["equipment_id"], row["ts"]): row["value"] for row in rows}
    assert len(values) == len(rows)
    return values


class BlockedSave:
    """Records each transaction, and ends none before `released` is set."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Reading]] = []
        self.begun = asyncio.Event()
        self.released = asyncio.Event()

    async def save(self, readings: Sequence[Reading]) -> None:
        self.batches.append(readings)
        self.begun.set()
        await self.released.wait()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    waves=st.lists(st.lists(readings, max_size=12), max_size=4),
    max_batch=st.integers(1, 8),
    writers=st.integers(1, 3),
)
async def test_readings_sent_at_once_end_as_if_sent_one_after_another(
    pool: Pool, waves: list[list[Reading]], max_batch: int, writers: int
) -> None:
    await empty_database(pool)
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ($1)", HORIZON)
    commit = group_commit(
        ReadingRepository(pool).save, max_batch_readings=max_batch, writers=writers
    )
    saves: list[asyncio.Task[datetime | None]] = []
    sent = [reading for wave in waves for reading in wave]
    for wave in waves:
        saves += [asyncio.create_task(commit.save(reading)) for reading in wave]
        await asyncio.sleep(0)
    rejected = [await save is not None for save in saves]
    assert rejected == [reading.ts < HORIZON for reading in sent]
    assert await stored(pool) == {
        (reading.equipment_id, reading.ts): reading.value
        for reading in sent
        if reading.ts >= HORIZON
    }


async def test_a_lone_reading_is_written_at_once_and_those_that_arrive_meanwhile_together() -> None:
    blocked = BlockedSave()
    commit = group_commit(blocked.save, writers=1)
    first = asyncio.create_task(commit.save(reading(0)))
    await blocked.begun.wait()
    others = [asyncio.create_task(commit.save(reading(number))) for number in (1, 2, 3, 1)]
    blocked.released.set()
    await asyncio.gather(first, *others)
    assert blocked.batches == [[reading(0)], [reading(1), reading(2), reading(3)]]


async def test_the_ledger_gets_each_hour_of_a_batch_once_and_nothing_between(pool: Pool) -> None:
    hours = [START, START, START - timedelta(days=2000)]
    await ReadingRepository(pool).save(
        [Reading(name, hour, 1.0) for name, hour in zip("abc", hours, strict=True)]
    )
    rows = await pool.fetch("SELECT range_start, range_end FROM rollup_dirty_ranges ORDER BY 1")
    assert [tuple(row) for row in rows] == [
        (hour, hour + timedelta(hours=1)) for hour in sorted(set(hours))
    ]


@asynccontextmanager
async def rejecting_the_value(pool: Pool, value: int) -> AsyncIterator[None]:
    """A constraint of the database that the API does not check."""
    await pool.execute(f"ALTER TABLE readings ADD CONSTRAINT no_such CHECK (value <> {value})")
    try:
        yield
    finally:
        await pool.execute("ALTER TABLE readings DROP CONSTRAINT no_such")


async def test_a_row_that_the_database_rejects_fails_alone(pool: Pool) -> None:
    commit = group_commit(ReadingRepository(pool).save, writers=1)
    async with rejecting_the_value(pool, 13):
        outcomes = await asyncio.gather(
            *(commit.save(reading(number)) for number in range(30)), return_exceptions=True
        )
    assert isinstance(outcomes.pop(13), asyncpg.CheckViolationError)
    assert set(outcomes) == {None}
    assert len(await stored(pool)) == 29


@pytest.mark.parametrize(
    "fault", [DatabaseUnavailableError("gone"), asyncpg.DiskFullError("full"), ValueError("bug")]
)
async def test_a_fault_of_no_single_row_fails_all_after_one_attempt(fault: Exception) -> None:
    attempts = 0

    async def fail(_readings: Sequence[Reading]) -> None:
        nonlocal attempts
        attempts += 1
        raise fault

    commit = group_commit(fail, writers=1)
    outcomes = await asyncio.gather(
        *(commit.save(reading(number)) for number in range(9)), return_exceptions=True
    )
    assert outcomes == [fault] * 9
    assert attempts == 1


async def test_a_cancelled_request_takes_no_other_reading_with_it(pool: Pool) -> None:
    blocked = BlockedSave()

    async def block_then_save(batch: Sequence[Reading]) -> datetime | None:
        await blocked.save(batch)
        return await ReadingRepository(pool).save(batch)

    commit = group_commit(block_then_save, writers=1)
    requests = [asyncio.create_task(commit.save(reading(number))) for number in range(6)]
    await blocked.begun.wait()
    requests.append(asyncio.create_task(commit.save(reading(6))))
    for cancelled in (requests[0], requests[3]):
        cancelled.cancel()
    blocked.released.set()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(asyncio.CancelledError) == 2
    assert {reading(number).ts for number in (1, 2, 4, 5, 6)} <= {
        ts for _, ts in await stored(pool)
    }


async def test_more_readings_than_may_wait_are_refused_and_the_others_stored() -> None:
    blocked = BlockedSave()
    commit = group_commit(blocked.save, max_waiting_readings=2)
    waiting = [asyncio.create_task(commit.save(reading(number))) for number in range(2)]
    await blocked.begun.wait()
    with pytest.raises(TooManyReadingsError):
        await commit.save(reading(2))
    blocked.released.set()
    assert await asyncio.gather(*waiting) == [None, None]
    await commit.save(reading(2))


async def test_closing_waits_for_what_was_accepted() -> None:
    blocked = BlockedSave()
    commit = group_commit(blocked.save)
    waiting = asyncio.create_task(commit.save(reading(0)))
    await blocked.begun.wait()
    closing = asyncio.create_task(commit.close())
    blocked.released.set()
    await closing
    assert await waiting is None


async def post(client: httpx2.AsyncClient, number: int) -> httpx2.Response:
    body = {
        "equipmentId": "a",
        "timestamp": reading(number).ts.isoformat(),
        "value": float(number),
    }
    return await client.post("/sensor-data", json=body)


@asynccontextmanager
async def another_writer(pool: Pool, number: int) -> AsyncIterator[Connection]:
    """A transaction, ended with the block, that has written the reading's key."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO readings (equipment_id, ts, value) VALUES ('a', $1, -1)",
            reading(number).ts,
        )
        yield connection


@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_is_behind_says_when_to_retry(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool, way: str
) -> None:
    server = server_settings(
        migrated_url, stub_provider.issuer, tmp_path, ingest=IngestSettings(max_waiting_readings=1)
    )
    headers = {"Authorization": f"Bearer {stub_provider.token()}", **WAYS[way]}
    async with (
        serving(server) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        await make_token_known(client)
        assert (await post(client, 1)).status_code == 201
        async with another_writer(pool, 0):
            posts = [asyncio.create_task(post(client, 0)) for _ in range(2)]
            done, held = await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
        refused, accepted = done.pop().result(), await held.pop()
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "2"
    assert accepted.status_code == 201
    assert await stored(pool) == {("a", reading(number).ts): float(number) for number in range(2)}


@pytest.mark.parametrize("way", WAYS)
async def test_the_metrics_count_what_was_written_and_what_was_rejected_by_its_code(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool, way: str
) -> None:
    del pool
    headers = {"Authorization": f"Bearer {stub_provider.token()}", **WAYS[way]}
    async with (
        serving(server_settings(migrated_url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        await make_token_known(client)
        await asyncio.gather(*(post(client, number) for number in range(5)))
        await client.post("/sensor-data", json={"equipmentId": "a"})
        await client.post("/sensor-data", content=b"{", headers={"Content-Type": "text/plain"})
        lines = (await client.get("/metrics")).text.splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if line.startswith("sensorflow_ingest"))
    assert figures["sensorflow_ingest_batch_readings_sum"] == "5.0"
    batches = figures["sensorflow_ingest_batch_readings_count"]
    assert 1 <= float(batches) <= 5
    assert figures["sensorflow_ingest_commit_seconds_count"] == batches
    assert figures["sensorflow_ingest_waiting_readings"] == "0.0"
    rejected = {name for name in figures if name.startswith("sensorflow_ingest_rejected")}
    assert 'sensorflow_ingest_rejected_readings_total{code="validation_error"}' in rejected


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_acknowledged_is_stored_once_whenever_the_connection_is_cut(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool, way: str
) -> None:
    chance = random.Random(SEED)  # noqa: S311  # for repeatable tests, not for secrets
    headers = {"Authorization": f"Bearer {stub_provider.token()}", **WAYS[way]}
    acknowledged: set[int] = set()

    async def send(numbers: Iterable[int]) -> None:
        for number in numbers:
            response = await post(client, number)
            assert response.status_code in {201, 503}
            if response.status_code == 201:
                acknowledged.add(number)

    async with (
        proxied(migrated_url) as proxy,
        serving(server_settings(proxy.url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        await make_token_known(client)
        for first in range(0, 600, 30):
            proxy.drop_after(chance.randrange(80))
            await asyncio.gather(*(send(range(first + n, first + 30, 10)) for n in range(10)))
        assert 0 < len(acknowledged) < 600
        assert {("a", reading(n).ts) for n in acknowledged} <= (await stored(pool)).keys()
        while missing := set(range(600)) - acknowledged:
            await send(missing)
    assert await stored(pool) == {("a", reading(n).ts): float(n) for n in range(600)}
