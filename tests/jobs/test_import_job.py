"""The main job in one process: a stored file becomes visible readings, or a clear refusal."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.database import Pool
from core.imports import ImportOptions
from core.readings import EARLIEST
from core.storage import Storage, rejects_folder
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.csv_import.load import load
from tests.jobs.support import (
    HEADER,
    ImportCounts,
    add_import,
    outcome_of,
    rejects_of,
    rolled_up,
    rows_of,
    run_import,
    sample,
    sample_lines,
)

SAMPLE_ROWS = 153_954


async def test_the_sample_is_visible_when_done_and_a_second_import_changes_nothing(
    context: ImportContext, pool: Pool
) -> None:
    first = await run_import(dataclasses.replace(context, batch_lines=50_000), sample(), ".csv.gz")
    assert first.state == "done"
    assert first.counts == ImportCounts(read=SAMPLE_ROWS, inserted=SAMPLE_ROWS)
    assert await rolled_up(pool, "bi.readings_1h") == SAMPLE_ROWS
    assert await rolled_up(pool, "bi.readings_1d") == SAMPLE_ROWS
    assert await jfk_temperatures(pool) == [53.96, 51.98]

    before = await last_materialisation(pool)
    second = await run_import(dataclasses.replace(context, batch_lines=50_000), sample(), ".csv.gz")
    assert second.counts == ImportCounts(read=SAMPLE_ROWS, unchanged=SAMPLE_ROWS)
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
        f"SELECT DISTINCT tableoid::text, xmin::text FROM {rows[0]['name']} ORDER BY 1, 2"
    )
    return [tuple(row) for row in versions]


GOOD_ROW = "a,2024-01-01T00:00:00Z,1\n"


async def test_every_rejected_line_is_reported_with_its_number_code_column_and_text(
    context: ImportContext, storage: Storage
) -> None:
    block = 'a,2024-01-01T00:00:00Z,1\n\na,"x"",y",2\n"a,2024-01-01T00:00:00Z,5\n'
    import_id = await add_import(context.pool, storage, HEADER + block * 3)
    await run_import_job(dataclasses.replace(context, batch_lines=2), import_id, 0)
    assert await rejects_of(storage, import_id) == [
        reject
        for block_start in (2, 6, 10)
        for reject in (
            (block_start + 2, "bad_timestamp", "timestamp", 'a,"x"",y",2'),
            (block_start + 3, "wrong_columns", "", '"a,2024-01-01T00:00:00Z,5'),
        )
    ]
    outcome = await outcome_of(context.pool, import_id)
    assert outcome.counts == ImportCounts(read=9, inserted=1, unchanged=2, rejected=6)


async def test_a_batch_without_rejects_leaves_no_object(
    context: ImportContext, storage: Storage
) -> None:
    import_id = await add_import(context.pool, storage, HEADER + GOOD_ROW)
    await run_import_job(context, import_id, 0)
    assert await storage.keys(rejects_folder(import_id)) == []


async def test_a_reading_dated_tomorrow_plus_an_hour_is_refused_with_its_own_code(
    context: ImportContext, storage: Storage
) -> None:
    now = datetime.now(UTC)
    allowed, refused = now + timedelta(hours=23), now + timedelta(hours=25)
    content = f"{HEADER}a,{allowed.isoformat()},1\na,{refused.isoformat()},1\n"
    import_id = await add_import(context.pool, storage, content)
    await run_import_job(context, import_id, 0)
    assert [reject[:3] for reject in await rejects_of(storage, import_id)] == [
        (3, "too_future", "timestamp")
    ]


async def test_rows_below_the_retention_horizon_are_refused_and_shrink_no_rollup(
    context: ImportContext, pool: Pool
) -> None:
    hours = [f"a,2024-01-01T{hour:02}:30:00Z,1\n" for hour in range(24)]
    await run_import(context, HEADER + "".join(hours))
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ('2024-01-01T12:00Z')")
    await pool.execute("DELETE FROM readings WHERE ts < '2024-01-01T12:00Z'")
    late = [f"b,2024-01-01T{hour:02}:30:00Z,1\n" for hour in range(24)]
    outcome = await run_import(context, HEADER + "".join(late))
    assert outcome.counts == ImportCounts(read=24, inserted=12, rejected=12)
    assert await rolled_up(pool, "readings_1h") == 24 + 12
    assert await rolled_up(pool, "readings_1d") == 24 + 12


async def test_old_and_new_rows_of_one_batch_make_separate_dirty_ranges(
    context: ImportContext, pool: Pool
) -> None:
    now = datetime.now(UTC)
    content = (
        f"{HEADER}a,2013-05-01T10:20:00Z,1\na,2013-05-01T12:00:00Z,1\na,2024-06-03T00:59:59Z,1\n"
        f"a,{now.isoformat()},1\n"
    )
    import_id = await add_import(pool, context.storage, content)
    await load_only(context, import_id)
    rows = await pool.fetch(
        "SELECT range_start, range_end, import_id FROM rollup_dirty_ranges ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [
        (hour(2013, 5, 1, 10), hour(2013, 5, 1, 13), import_id),
        (hour(2024, 6, 3, 0), hour(2024, 6, 3, 1), import_id),
    ]


async def test_equal_rows_make_no_dirty_range(context: ImportContext, pool: Pool) -> None:
    await run_import(context, HEADER + GOOD_ROW)
    again = await add_import(pool, context.storage, HEADER + GOOD_ROW)
    await load_only(context, again)
    assert await pool.fetchval("SELECT count(*) FROM rollup_dirty_ranges") == 0


async def test_two_imports_of_the_same_rows_at_once_insert_each_row_once(
    context: ImportContext, pool: Pool
) -> None:
    content = sample_lines(3000)
    all_counts = [
        outcome.counts
        for outcome in await asyncio.gather(
            run_import(context, content), run_import(context, content)
        )
    ]
    assert [counts.read for counts in all_counts] == [3000, 3000]
    assert sum(counts.inserted for counts in all_counts) == len(await rows_of(pool)) == 3000
    assert sum(counts.unchanged for counts in all_counts) == 3000


async def test_the_earliest_possible_moment_is_stored_and_rolled_up(
    context: ImportContext, pool: Pool
) -> None:
    content = f"{HEADER}a,0001-01-02T00:00:00Z,1\n{GOOD_ROW}"
    outcome = await run_import(context, content, options=ImportOptions(earliest=EARLIEST))
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(read=2, inserted=2))
    assert await rolled_up(pool, "readings_1d") == 2


async def test_a_job_for_an_import_that_has_ended_changes_nothing(context: ImportContext) -> None:
    import_id = await add_import(context.pool, context.storage, HEADER + GOOD_ROW)
    await run_import_job(context, import_id, 0)
    before = await outcome_of(context.pool, import_id)
    await run_import_job(context, import_id, 0)
    assert await outcome_of(context.pool, import_id) == before


async def load_only(context: ImportContext, import_id: UUID) -> None:
    claim = await context.imports.claim(import_id)
    assert claim is not None
    await load(context, claim)


def hour(*date: int) -> datetime:
    return datetime(*date, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day, hour
