"""Imports into chunks of the columnstore, and how these become whole again."""

import asyncio
import dataclasses

import asyncpg
import pytest

from core.database import Pool
from jobs.csv_import.context import ImportWork
from jobs.maintenance.recompression import compress_opened_chunks
from tests.jobs.support import (
    HEADER,
    Account,
    rolled_up,
    rows_of,
    run_import,
    skip_unless_sessions_wait_for_each_other,
)

ROWS = [f"a,2024-01-{day:02}T{hour:02}:00:00Z,1\n" for day in range(4, 18) for hour in range(24)]
FIRST_WEEK = ROWS[: 7 * 24]
OPENED = """
INSERT INTO opened_chunks (range_start) VALUES ('2024-01-04T00:00Z'), ('2024-01-11T00:00Z')
"""
WHOLE, PARTIAL = 1, 9  # the chunk's status in TimescaleDB's catalog


@pytest.fixture
async def compressed(work: ImportWork, pool: Pool) -> Pool:
    """A database with ROWS, two chunks of the columnstore."""
    await run_import(work, HEADER + "".join(ROWS))
    await pool.execute("SELECT compress_chunk(chunk) FROM show_chunks('readings') AS chunk")
    return pool


async def states(pool: Pool) -> list[int]:
    rows = await pool.fetch(
        "SELECT status FROM _timescaledb_catalog.chunk AS chunk "
        "INNER JOIN timescaledb_information.chunks AS known ON known.chunk_name = chunk.table_name "
        "WHERE known.hypertable_name = 'readings' ORDER BY known.range_start"
    )
    return [row["status"] for row in rows]


async def test_rows_in_the_columnstore_are_replaced_and_counted_exactly(
    work: ImportWork, pool: Pool
) -> None:
    rows = [f"a,2024-01-0{day}T{hour:02}:00:00Z,1\n" for day in range(1, 8) for hour in range(24)]
    await run_import(work, HEADER + "".join(rows))
    await pool.execute("SELECT compress_chunk(chunk) FROM show_chunks('readings') AS chunk")
    changed = [row.replace(",1\n", ",2\n") for row in rows[:50]]
    added = [row.replace("a,", "b,") for row in rows[:30]]
    outcome = await run_import(work, HEADER + "".join(changed + rows[50:] + added))
    assert outcome.account == Account(read=198, inserted=30, replaced=50, unchanged=118)
    assert await rolled_up(pool) == 198
    assert await pool.fetchval("SELECT sum(total_value) FROM readings_1d") == 248


async def test_a_chunk_that_an_import_has_opened_is_made_whole_with_the_same_rows(
    work: ImportWork, compressed: Pool
) -> None:
    changed = [row.replace(",1\n", ",2\n") for row in FIRST_WEEK[:50]]
    added = [row.replace("a,", "b,") for row in FIRST_WEEK[:30]]
    await run_import(work, HEADER + "".join(changed + added))
    assert await states(compressed) == [PARTIAL, WHOLE]
    before = await rows_of(compressed)
    await compress_opened_chunks(compressed)
    assert await states(compressed) == [WHOLE, WHOLE]
    assert await rows_of(compressed) == before
    assert len(before) == await rolled_up(compressed, "readings_1d") == len(ROWS) + 30
    assert await compressed.fetchval("SELECT count(*) FROM opened_chunks") == 0


async def test_an_import_that_changes_nothing_opens_no_chunk(
    work: ImportWork, compressed: Pool
) -> None:
    await run_import(work, HEADER + "".join(ROWS))
    assert await compressed.fetchval("SELECT count(*) FROM opened_chunks") == 0


async def test_chunks_of_an_import_that_is_still_loading_are_left_for_its_end(
    work: ImportWork, compressed: Pool
) -> None:
    await run_import(work, HEADER + FIRST_WEEK[0].replace(",1\n", ",2\n"))
    await compressed.execute("UPDATE imports SET state = 'loading' WHERE rows_replaced = 1")
    await compress_opened_chunks(compressed)
    assert await states(compressed) == [PARTIAL, WHOLE]
    await compressed.execute("UPDATE imports SET state = 'cancelled' WHERE rows_replaced = 1")
    await compress_opened_chunks(compressed)
    assert await states(compressed) == [WHOLE, WHOLE]


async def test_a_chunk_that_is_being_written_to_is_left_for_the_next_time(
    work: ImportWork, compressed: Pool, migrated_url: str
) -> None:
    await run_import(work, HEADER + "".join(row.replace(",1\n", ",2\n") for row in ROWS[::50]))
    other = await asyncpg.connect(migrated_url)
    await skip_unless_sessions_wait_for_each_other(other, migrated_url)
    async with other.transaction():
        await other.execute("UPDATE readings SET value = 3 WHERE ts = '2024-01-04T00:00Z'")
        await compress_opened_chunks(compressed)
    await other.close()
    assert (await states(compressed))[0] == PARTIAL
    await compress_opened_chunks(compressed)
    assert await states(compressed) == [WHOLE, WHOLE]


async def test_compressing_beside_an_import_into_the_same_chunks_loses_nothing(
    work: ImportWork, compressed: Pool
) -> None:
    small = dataclasses.replace(work, batch_lines=50)
    changed = HEADER + "".join(row.replace(",1\n", ",3\n") for row in ROWS)
    async with asyncio.TaskGroup() as tasks:
        importing = tasks.create_task(run_import(small, changed))
        for _ in range(5):
            await compressed.execute(OPENED)
            await compress_opened_chunks(compressed)
    assert importing.result().account == Account(read=len(ROWS), replaced=len(ROWS))
    await compress_opened_chunks(compressed)
    assert await states(compressed) == [WHOLE, WHOLE]
    assert set((await rows_of(compressed)).values()) == {3.0}
    assert await compressed.fetchval("SELECT count(*) FROM opened_chunks") == 0


async def test_a_chunk_that_was_dropped_meanwhile_is_forgotten(
    compressed: Pool,
) -> None:
    await compressed.execute(OPENED)
    await compressed.execute(
        "SELECT drop_chunks('readings', older_than => '2024-02-01'::timestamptz)"
    )
    await compress_opened_chunks(compressed)
    assert await compressed.fetchval("SELECT count(*) FROM opened_chunks") == 0
