"""Imports into chunks of the columnstore, and how these are compressed again."""

import asyncio
import dataclasses

import asyncpg
import pytest

from core.database import Pool
from jobs.csv_import.context import ImportContext
from jobs.maintenance.recompression import recompress_chunks
from tests.jobs.support import (
    HEADER,
    ImportCounts,
    rolled_up,
    rows_of,
    run_import,
    skip_unless_sessions_wait_for_each_other,
)

ROWS = [f"a,2024-01-{day:02}T{hour:02}:00:00Z,1\n" for day in range(4, 18) for hour in range(24)]
FIRST_WEEK = ROWS[: 7 * 24]
RECORD_BOTH_CHUNKS = """
INSERT INTO opened_chunks (range_start) VALUES ('2024-01-04T00:00Z'), ('2024-01-11T00:00Z')
"""
COMPRESSED, PARTIAL = 1, 9  # the chunk's status in TimescaleDB's catalog


@pytest.fixture
async def compressed(context: ImportContext, pool: Pool) -> Pool:
    """A database with ROWS, two chunks of the columnstore."""
    await run_import(context, HEADER + "".join(ROWS))
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
    context: ImportContext, pool: Pool
) -> None:
    rows = [f"a,2024-01-0{day}T{hour:02}:00:00Z,1\n" for day in range(1, 8) for hour in range(24)]
    await run_import(context, HEADER + "".join(rows))
    await pool.execute("SELECT compress_chunk(chunk) FROM show_chunks('readings') AS chunk")
    changed = [row.replace(",1\n", ",2\n") for row in rows[:50]]
    added = [row.replace("a,", "b,") for row in rows[:30]]
    outcome = await run_import(context, HEADER + "".join(changed + rows[50:] + added))
    assert outcome.counts == ImportCounts(read=198, inserted=30, replaced=50, unchanged=118)
    assert await rolled_up(pool) == 198
    assert await pool.fetchval("SELECT sum(total_value) FROM readings_1d") == 248


async def test_a_chunk_that_an_import_has_written_to_is_compressed_again_with_the_same_rows(
    context: ImportContext, compressed: Pool
) -> None:
    changed = [row.replace(",1\n", ",2\n") for row in FIRST_WEEK[:50]]
    added = [row.replace("a,", "b,") for row in FIRST_WEEK[:30]]
    await run_import(context, HEADER + "".join(changed + added))
    assert await states(compressed) == [PARTIAL, COMPRESSED]
    before = await rows_of(compressed)
    await recompress_chunks(compressed)
    assert await states(compressed) == [COMPRESSED, COMPRESSED]
    assert await rows_of(compressed) == before
    assert len(before) == await rolled_up(compressed, "readings_1d") == len(ROWS) + 30
    assert await compressed.fetchval("SELECT count(*) FROM opened_chunks") == 0


async def test_an_import_that_changes_nothing_decompresses_no_chunk(
    context: ImportContext, compressed: Pool
) -> None:
    await run_import(context, HEADER + "".join(ROWS))
    assert await compressed.fetchval("SELECT count(*) FROM opened_chunks") == 0


async def test_chunks_of_an_import_that_is_still_loading_are_left_for_its_end(
    context: ImportContext, compressed: Pool
) -> None:
    await run_import(context, HEADER + FIRST_WEEK[0].replace(",1\n", ",2\n"))
    await compressed.execute("UPDATE imports SET state = 'loading' WHERE rows_replaced = 1")
    await recompress_chunks(compressed)
    assert await states(compressed) == [PARTIAL, COMPRESSED]
    await compressed.execute("UPDATE imports SET state = 'cancelled' WHERE rows_replaced = 1")
    await recompress_chunks(compressed)
    assert await states(compressed) == [COMPRESSED, COMPRESSED]


async def test_a_chunk_that_is_being_written_to_is_left_for_the_next_time(
    context: ImportContext, compressed: Pool, migrated_url: str
) -> None:
    await run_import(context, HEADER + "".join(row.replace(",1\n", ",2\n") for row in ROWS[::50]))
    other = await asyncpg.connect(migrated_url)
    await skip_unless_sessions_wait_for_each_other(other)
    async with other.transaction():
        await other.execute("UPDATE readings SET value = 3 WHERE ts = '2024-01-04T00:00Z'")
        await recompress_chunks(compressed)
    await other.close()
    assert (await states(compressed))[0] == PARTIAL
    await recompress_chunks(compressed)
    assert await states(compressed) == [COMPRESSED, COMPRESSED]


async def test_compressing_beside_an_import_into_the_same_chunks_loses_nothing(
    context: ImportContext, compressed: Pool
) -> None:
    small = dataclasses.replace(context, batch_lines=50)
    changed = HEADER + "".join(row.replace(",1\n", ",3\n") for row in ROWS)
    async with asyncio.TaskGroup() as tasks:
        importing = tasks.create_task(run_import(small, changed))
        for _ in range(5):
            await compressed.execute(RECORD_BOTH_CHUNKS)
            await recompress_chunks(compressed)
    assert importing.result().counts == ImportCounts(read=len(ROWS), replaced=len(ROWS))
    await recompress_chunks(compressed)
    assert await states(compressed) == [COMPRESSED, COMPRESSED]
    assert set((await rows_of(compressed)).values()) == {3.0}
    assert await compressed.fetchval("SELECT count(*) FROM opened_chunks") == 0


async def test_a_chunk_that_was_dropped_meanwhile_is_removed_from_the_list(
    compressed: Pool,
) -> None:
    await compressed.execute(RECORD_BOTH_CHUNKS)
    await compressed.execute(
        "SELECT drop_chunks('readings', older_than => '2024-02-01'::timestamptz)"
    )
    await recompress_chunks(compressed)
    assert await compressed.fetchval("SELECT count(*) FROM opened_chunks") == 0
