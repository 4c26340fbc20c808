"""The main job in one process: a stored file becomes visible readings, or a clear refusal."""

import dataclasses
import gzip
from datetime import UTC, datetime, timedelta

import pytest
from pgqueuer.domain.errors import RetryRequested

from core.database import Pool
from core.settings import WorkerSettings
from core.storage import Storage, rejects_folder, source_key
from jobs.csv_import.job import run_import_job
from jobs.csv_import.work import ImportWork
from tests.jobs.support import (
    HEADER,
    Account,
    add_import,
    outcome_of,
    rejects_of,
    rolled_up,
    rows_of,
    run_import,
    sample,
)

SAMPLE_ROWS = 153_954


async def test_the_sample_is_visible_when_done_and_a_second_import_changes_nothing(
    work: ImportWork, pool: Pool
) -> None:
    first = await run_import(dataclasses.replace(work, batch_lines=50_000), sample(), ".csv.gz")
    assert first.state == "done"
    assert first.account == Account(read=SAMPLE_ROWS, inserted=SAMPLE_ROWS)
    assert await rolled_up(pool, "bi.readings_1h") == SAMPLE_ROWS
    assert await rolled_up(pool, "bi.readings_1d") == SAMPLE_ROWS
    assert await jfk_temperatures(pool) == [53.96, 51.98]

    before = await last_materialisation(pool)
    second = await run_import(dataclasses.replace(work, batch_lines=50_000), sample(), ".csv.gz")
    assert second.account == Account(read=SAMPLE_ROWS, unchanged=SAMPLE_ROWS)
    assert await pool.fetchval("SELECT count(*) FROM rollup_dirty_ranges") == 0
    assert await last_materialisation(pool) == before


async def jfk_temperatures(pool: Pool) -> list[float]:
    rows = await pool.fetch(
        "SELECT total_value FROM bi.readings_1h WHERE equipment_id = 'JFK-TEMP' "
        "AND time IN ('2013-11-03T05:00Z', '2013-11-03T06:00Z') ORDER BY time"
    )
    return [row["total_value"] for row in rows]


async def last_materialisation(pool: Pool) -> list[tuple[str, str]]:
    """The physical version of every hourly row; any rewrite changes it."""
    rows = await pool.fetch(
        "SELECT format('%I.%I', materialization_hypertable_schema, "
        "materialization_hypertable_name) AS name "
        "FROM timescaledb_information.continuous_aggregates WHERE view_name = 'readings_1h'"
    )
    versions = await pool.fetch(
        f"SELECT DISTINCT tableoid::text, xmin::text FROM {rows[0]['name']} ORDER BY 1, 2"  # noqa: S608
    )
    return [tuple(row) for row in versions]
