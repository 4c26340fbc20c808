"""Writers of the same keys, given in other orders, wait for each other but never in a circle."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement
from random import Random

import pytest
import pytest_asyncio

from core.database import Pool, shares_one_session
from core.queries import queries
from core.readings import Reading
from tests.deadlocks.writers import WRITERS

SEED = 20260104
ROUNDS = 4
WRITERS_OF_EACH_KIND = 2
KEYS = 600
SHARE = 0.8  # of the keys, in each write

CHUNK_STARTS = [datetime(2024, 1, 4, tzinfo=UTC) + timedelta(days=7 * n) for n in range(3)]
IDS = [f"EQ-{n}" for n in range(50)]

PAIRS = list(combinations_with_replacement(WRITERS, 2))

SCHEDULED_JOBS = "SELECT job_id FROM timescaledb_information.jobs WHERE scheduled"
SCHEDULE_JOBS = "SELECT alter_job(id, scheduled => $2) FROM unnest($1::integer[]) AS id"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest_asyncio.fixture
async def quiet_pool(pool: Pool) -> AsyncIterator[Pool]:
    """The pool, of a server with a process for each connection, no policy of which is running."""
    async with pool.acquire() as connection:
        if await shares_one_session(connection):
            pytest.skip("the embedded engine has one backend: no two transactions run at once")
    jobs = [row["job_id"] for row in await pool.fetch(SCHEDULED_JOBS)]
    await pool.execute(SCHEDULE_JOBS, jobs, False)
    yield pool
    await pool.execute(SCHEDULE_JOBS, jobs, True)


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
async def test_no_two_kinds_of_writers_deadlock(quiet_pool: Pool, pair: tuple[str, str]) -> None:
    chance = Random(SEED)  # noqa: S311  # for repeatable tests, not for secrets
    await queries().create_chunks(quiet_pool, timestamps=CHUNK_STARTS)
    before = await deadlocks(quiet_pool)
    for number in range(ROUNDS):
        # New keys first, which are copied; then the same, which are replaced or left alone.
        for value in (1.0, 2.0):
            await asyncio.gather(
                *(
                    WRITERS[kind](quiet_pool, some_readings(chance, number, value + place))
                    for place, kind in enumerate(pair * WRITERS_OF_EACH_KIND)
                )
            )
    assert await deadlocks(quiet_pool) == before


def some_readings(chance: Random, number: int, value: float) -> Sequence[Reading]:
    """Most of the round's keys, each with the value, in an order of their own."""
    keys = [
        (equipment_id, start + timedelta(seconds=KEYS * number + n))
        for equipment_id in IDS
        for start in CHUNK_STARTS
        for n in range(KEYS // len(IDS))
    ]
    chosen = chance.sample(keys, round(SHARE * len(keys)))
    return [Reading(equipment_id, ts, value) for equipment_id, ts in chosen]


async def deadlocks(pool: Pool) -> int:
    """How many the server has resolved in this database, and reported."""
    async with pool.acquire() as connection:
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        count: int = await connection.fetchval(DEADLOCKS)
        return count
