"""Whatever fails while readings are sent, each acknowledged one is stored exactly once.

docs/performance.md has the command of the long campaign.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
import pytest_asyncio

from tests.faults.databases import POSTGRES_VARIABLE, Cluster
from tests.faults.platform_under_test import Platform, running_platform
from tests.faults.senders import Row, Senders

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
RUNS_OF_EACH = int(os.environ.get("SENSORFLOW_TEST_FAULT_RUNS", "1"))

Fault = Callable[[Platform, random.Random], Awaitable[None]]


@pytest_asyncio.fixture(scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    async with running_platform(tmp_path_factory.mktemp("stage")) as platform:
        yield platform


async def database_killed(platform: Platform, chance: random.Random) -> None:
    await asyncio.to_thread(platform.database.kill)
    await asyncio.sleep(chance.uniform(0, 0.5))
    await asyncio.to_thread(platform.database.start)


async def api_killed(platform: Platform, chance: random.Random) -> None:
    await asyncio.to_thread(platform.kill_api)
    await asyncio.sleep(chance.uniform(0, 0.2))
    await asyncio.to_thread(platform.start_api)


async def database_slow(platform: Platform, chance: random.Random) -> None:
    platform.proxy.delay_seconds = chance.uniform(0.05, 0.5)
    await asyncio.sleep(1)
    platform.proxy.delay_seconds = 0


async def sessions_terminated(platform: Platform, chance: random.Random) -> None:
    for _ in range(5):
        await asyncio.sleep(chance.uniform(0.05, 0.2))
        await fetch(platform, TERMINATE)


async def database_restarted(platform: Platform, chance: random.Random) -> None:
    assert isinstance(platform.database, Cluster)
    await asyncio.sleep(chance.uniform(0, 0.2))
    await asyncio.to_thread(platform.database.restart_immediately)


async def disk_full(platform: Platform, chance: random.Random) -> None:
    assert isinstance(platform.database, Cluster)
    platform.database.fill_disk()
    await asyncio.sleep(chance.uniform(0.2, 1.5))
    platform.database.free_disk()
    await asyncio.to_thread(platform.database.start)  # it may have stopped for want of a log file


# The embedded engine has neither sessions to terminate nor a disk to fill.
FAULTS: list[Fault] = [database_killed, api_killed, database_slow]
if POSTGRES_VARIABLE in os.environ:
    FAULTS += [sessions_terminated, database_restarted, disk_full]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("run", range(RUNS_OF_EACH))
async def test_every_acknowledged_reading_is_stored_once_whatever_fails(
    platform: Platform, fault: Fault, run: int
) -> None:
    chance = random.Random(f"{fault.__name__} {run}")  # noqa: S311  # repeatable, no secret
    senders = Senders(f"{fault.__name__}-{run}")
    async with platform.client() as client:
        sending = asyncio.create_task(senders.post_until_ended(client))
        await senders.wait_for(acknowledged=chance.randint(1, 100))
        await fault(platform, chance)
        await senders.wait_for(acknowledged=chance.randint(1, 100))
        senders.end()
        await sending
        rows = await stored(platform, senders.equipment_id)
        assert set(rows.values()) == {1}
        assert {senders.row(number) for number in senders.acknowledged} <= rows.keys()
        await senders.post_the_rest(client)
    rows = await stored(platform, senders.equipment_id)
    assert rows == Counter(senders.row(number) for number in senders.sent)


async def stored(platform: Platform, equipment_id: str) -> Counter[Row]:
    """How often each reading is stored, queried without the proxy and the API."""
    query = "SELECT equipment_id, ts, value FROM readings WHERE equipment_id = $1"
    rows = await fetch(platform, query, equipment_id)
    return Counter((row["equipment_id"], row["ts"], row["value"]) for row in rows)


async def fetch(platform: Platform, query: str, *parameters: object) -> list[asyncpg.Record]:
    """The rows of a query without the proxy and the API."""
    connection = await asyncpg.connect(platform.database.url)
    try:
        return await connection.fetch(query, *parameters)
    finally:
        await connection.close()
