"""What BI tools see, as the role they connect with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest

from core.database import Connection, Pool

CONTRACT = {
    "readings": ["time", "equipment_id", "value", "register_time"],
    "readings_1h": [
        *("time", "equipment_id", "total_value", "sample_count", "average"),
        *("minimum", "maximum", "first", "last"),
    ],
    "equipment": [
        *("equipment_id", "first_time", "last_time", "last_value", "sample_count"),
        *("name", "unit", "location", "zone", "expected_period_seconds"),
    ],
}
CONTRACT["readings_1d"] = CONTRACT["readings_1h"]

MORNING = datetime(2026, 3, 1, 8, 10, tzinfo=UTC)


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
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"SELECT * FROM {relation}")


@pytest.mark.parametrize("view", sorted(CONTRACT))
async def test_a_bi_tool_cannot_write(pool: Pool, view: str) -> None:
    writing = "INSERT, UPDATE, DELETE, TRUNCATE"
    allowed = "SELECT has_table_privilege('sensorflow_bi', $1, $2)"
    assert not await pool.fetchval(allowed, f"bi.{view}", writing)


@pytest.mark.parametrize("view", sorted(CONTRACT))
async def test_the_columns_of_a_view_are_its_contract(pool: Pool, view: str) -> None:
    async with as_bi_tool(pool) as connection:
        statement = await connection.prepare(f"SELECT * FROM bi.{view}")
        assert [attribute.name for attribute in statement.get_attributes()] == CONTRACT[view]


@pytest.mark.parametrize("view", sorted(CONTRACT))
async def test_every_view_says_what_it_is(pool: Pool, view: str) -> None:
    assert await pool.fetchval("SELECT obj_description($1::regclass)", f"bi.{view}")


async def test_the_views_tell_of_readings_that_no_rollup_holds_yet(pool: Pool) -> None:
    await pool.executemany(
        "INSERT INTO readings (equipment_id, ts, value) VALUES ($1, $2, $3)",
        [("A", MORNING, 1.0), ("A", MORNING.replace(minute=50), 2.0), ("B", MORNING, 7.5)],
    )
    async with as_bi_tool(pool) as connection:
        hours = await connection.fetch("SELECT * FROM bi.readings_1h ORDER BY equipment_id")
        days = await connection.fetch("SELECT * FROM bi.readings_1d ORDER BY equipment_id")
        known = await connection.fetch("SELECT * FROM bi.equipment ORDER BY equipment_id")
    hour = MORNING.replace(minute=0)
    assert tuple(hours[0]) == (hour, "A", 3.0, 2, 1.5, 1.0, 2.0, 1.0, 2.0)
    assert tuple(days[0]) == (hour.replace(hour=0), "A", 3.0, 2, 1.5, 1.0, 2.0, 1.0, 2.0)
    assert tuple(known[0])[:5] == ("A", MORNING, MORNING.replace(minute=50), 2.0, 2)
    assert [row["equipment_id"] for row in known] == ["A", "B"]
