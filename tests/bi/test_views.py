"""What BI tools see, as the role they connect with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from core.database import Connection, Pool
from tests.bi.contract import agreed

VIEWS, _ = agreed()
MORNING = datetime(2026, 3, 1, 8, 10, tzinfo=UTC)
FACTS = ("Pump", "bar", "Hall 4")


@asynccontextmanager
async def as_bi_tool(pool: Pool) -> AsyncIterator[Connection]:
    async with pool.acquire() as connection:
        await connection.execute("SET ROLE sensorflow_bi")
        try:
            yield connection
        finally:
            await connection.execute("RESET ROLE")


@pytest.mark.parametrize(
    "relation", ["readings", "readings_1h", "imports", "rollup_dirty_ranges", "queue.pgqueuer"]
)
async def test_a_bi_tool_reads_nothing_but_the_views(pool: Pool, relation: str) -> None:
    async with as_bi_tool(pool) as connection:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError)):
            await connection.fetch(f"SELECT * FROM {relation}")


@pytest.mark.parametrize("view", VIEWS)
async def test_a_bi_tool_reads_every_view_and_cannot_write(pool: Pool, view: str) -> None:
    writing = "INSERT, UPDATE, DELETE, TRUNCATE"
    allowed = "SELECT has_table_privilege('sensorflow_bi', $1, $2)"
    assert not await pool.fetchval(allowed, f"bi.{view}", writing)
    async with as_bi_tool(pool) as connection:
        await connection.fetch(f"SELECT * FROM bi.{view}")


async def test_a_bi_tool_cannot_look_into_the_schema_public(pool: Pool) -> None:
    async with as_bi_tool(pool) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval("SELECT public.time_bucket('1 day', now())")


async def test_the_views_tell_of_readings_that_no_rollup_holds_yet(pool: Pool) -> None:
    await pool.executemany(
        "INSERT INTO readings (equipment_id, ts, value) VALUES ($1, $2, $3)",
        [("A", MORNING, 1.0), ("A", MORNING.replace(minute=50), 2.0), ("B", MORNING, 7.5)],
    )
    await describe(pool, "A")
    async with as_bi_tool(pool) as connection:
        hours = await connection.fetch("SELECT * FROM bi.readings_1h ORDER BY equipment_id")
        days = await connection.fetch("SELECT * FROM bi.readings_1d ORDER BY equipment_id")
        known = await connection.fetch("SELECT * FROM bi.equipment ORDER BY equipment_id")
        raw = await connection.fetch("SELECT * FROM bi.readings ORDER BY equipment_id, time")
    hour = MORNING.replace(minute=0)
    assert tuple(hours[0]) == (hour, "A", 3.0, 2, 1.5, 1.0, 2.0, 1.0, 2.0, *FACTS)
    assert tuple(days[0])[:9] == (hour.replace(hour=0), "A", 3.0, 2, 1.5, 1.0, 2.0, 1.0, 2.0)
    assert tuple(known[0])[:5] == ("A", MORNING, MORNING.replace(minute=50), 2.0, 2)
    assert [row["equipment_id"] for row in known] == ["A", "B"]
    assert [tuple(row)[4:] for row in raw] == [FACTS, FACTS, (None, None, None)]


async def test_equipment_that_never_sent_is_listed_and_others_are_silent_for_a_time(
    pool: Pool,
) -> None:
    await describe(pool, "never")
    await pool.execute("INSERT INTO readings VALUES ('A', now() - INTERVAL '1 hour', 1)")
    async with as_bi_tool(pool) as connection:
        sent, never = await connection.fetch(
            "SELECT *, now() AS now FROM bi.equipment ORDER BY sample_count DESC"
        )
    assert sent["silent_for"] == sent["now"] - sent["last_time"] > timedelta(minutes=59)
    assert dict(never)["sample_count"] == 0
    assert (never["first_time"], never["last_time"], never["silent_for"]) == (None, None, None)
    assert (never["name"], never["unit"], never["location"]) == FACTS


async def test_freshness_tells_what_is_due_and_what_is_stale(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO readings VALUES ('A', time_bucket('1 day', now()) - INTERVAL '36 hours', 1)"
    )
    async with as_bi_tool(pool) as connection:
        days, hours = await connection.fetch("SELECT * FROM bi.freshness ORDER BY rollup")
    assert (days["rollup"], hours["rollup"]) == ("1d", "1h")
    assert days["lag"] >= timedelta(days=1)
    assert hours["lag"] > timedelta(hours=35)
    assert (hours["stale_ranges"], hours["stale_from"], hours["stale_until"]) == (0, None, None)
    assert hours["pending_readings"] == 0


async def test_time_buckets_without_their_schema(pool: Pool) -> None:
    async with as_bi_tool(pool) as connection, connection.transaction():
        await connection.execute("SET LOCAL search_path = bi")
        bucket = await connection.fetchval("SELECT time_bucket('300s', $1::timestamptz)", MORNING)
        zoned = await connection.fetchval(
            "SELECT time_bucket('1 day', $1::timestamptz, 'America/Sao_Paulo')", MORNING
        )
    assert bucket == MORNING
    assert zoned == MORNING.replace(hour=3, minute=0)


async def test_gaps_are_filled_without_the_schema_public(pool: Pool) -> None:
    await pool.executemany(
        "INSERT INTO readings (equipment_id, ts, value) VALUES ('A', $1, $2)",
        [(MORNING, 1.0), (MORNING + timedelta(hours=2), 3.0)],
    )
    async with as_bi_tool(pool) as connection, connection.transaction():
        await connection.execute("SET LOCAL search_path = bi")
        rows = await connection.fetch(
            """
            SELECT
                time_bucket_gapfill('1 hour', time) AS hour,
                avg(value), locf(avg(value)), interpolate(avg(value))
            FROM readings
            WHERE time >= '2026-03-01 08:00+00' AND time < '2026-03-01 11:00+00'
            GROUP BY 1 ORDER BY 1
            """
        )
    assert [tuple(row)[1:] for row in rows] == [(1, 1, 1), (None, 1, 2), (3, 3, 3)]


async def describe(pool: Pool, equipment_id: str) -> None:
    await pool.execute(
        "INSERT INTO equipment (id, name, unit, location) VALUES ($1, $2, $3, $4)",
        equipment_id,
        *FACTS,
    )
