"""What the restore drills share: a filled database, what is the same after, and that it works."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from core.database import Pool, open_pool
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext
from jobs.rollups.refresh import refresh_dirty_ranges
from tests.jobs.support import run_import
from tests.jobs.test_refresh import ledger, write_late

DAY = datetime(2026, 1, 10, tzinfo=UTC)
FILL = (
    """
    INSERT INTO readings (equipment_id, ts, value)
    SELECT 'E' || number % 3, '2026-01-10Z'::timestamptz - number * interval '1 hour', number
    FROM generate_series(1, 500) AS number
    """,
    "CALL refresh_continuous_aggregate('readings_1h', NULL, '2026-01-09')",
    "CALL refresh_continuous_aggregate('readings_1d', NULL, '2026-01-09')",
    "SELECT compress_chunk(chunk) FROM show_chunks('readings') AS chunk LIMIT 1",
)
SUMS = """
    SELECT
        (SELECT (count(*), sum(value)) FROM readings)::text,
        (SELECT (count(*), sum(total_value)) FROM materialised_1h)::text,
        (SELECT (count(*), sum(total_value)) FROM current_1d)::text,
        (SELECT (count(*), sum(sample_count)) FROM bi.readings_1h)::text
"""
POLICIES = """
    SELECT array_agg((proc_name, schedule_interval, config)::text ORDER BY job_id)
    FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL AND scheduled
"""


async def value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchrow(query)
    finally:
        await connection.close()


async def import_and_refresh(service: str, folder: Path) -> None:
    settings = DatabaseSettings(url=SecretStr(service))
    async with await open_pool(settings) as pool:
        outcome = await run_import(
            _context(pool, settings, folder),
            "equipmentId,timestamp,value\nnew,2026-01-10T12:00:00Z,7\n",
        )
        assert (outcome.state, outcome.counts.inserted) == ("done", 1)
        await write_late(pool, DAY - timedelta(days=3), 1)
        assert await refresh_dirty_ranges(settings)
        assert await ledger(pool) == []


def _context(pool: Pool, settings: DatabaseSettings, folder: Path) -> ImportContext:
    storage = Storage.open(StorageSettings(url=str(folder)))
    return ImportContext(
        storage, settings, WorkerSettings(), ReadingSettings(), asyncio.Event(), 1000, pool
    )
