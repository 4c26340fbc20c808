"""The main job in one process: a stored file becomes visible readings, or a clear refusal."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from unittest.mock import Mock
from uuid import UUID

import asyncpg
import polars as pl
import pytest
import structlog
from pgqueuer.domain.errors import RetryRequested

from core.database import Pool
from core.errors import StorageError
from core.storage import Storage, rejects_folder
from jobs.csv_import.job import run_import_job
from jobs.csv_import.judge import JudgedBatch
from jobs.csv_import.load import load
from jobs.csv_import.staging import stage
from jobs.csv_import.work import ImportWork
from jobs.errors import LeaseLostError
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
    sample_lines,
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
        f"SELECT DISTINCT tableoid::text, xmin::text FROM {rows[0]['name']} ORDER BY 1, 2"
    )
    return [tuple(row) for row in versions]


GOOD_ROW = "a,2024-01-01T00:00:00Z,1\n"


async def test_every_rejected_line_is_told_with_its_number_code_column_and_text(
    work: ImportWork, storage: Storage
) -> None:
    block = 'a,2024-01-01T00:00:00Z,1\n\na,"x"",y",2\n"a,2024-01-01T00:00:00Z,5\n'
    import_id = await add_import(work.pool, storage, HEADER + block * 3)
    await run_import_job(dataclasses.replace(work, batch_lines=2), import_id, 0)
    assert await rejects_of(storage, import_id) == [
        reject
        for block_start in (2, 6, 10)
        for reject in (
            (block_start + 2, "bad_timestamp", "timestamp", 'a,"x"",y",2'),
            (block_start + 3, "wrong_columns", "", '"a,2024-01-01T00:00:00Z,5'),
        )
    ]
    outcome = await outcome_of(work.pool, import_id)
    assert outcome.account == Account(read=9, inserted=1, unchanged=2, rejected=6)


async def test_a_batch_without_rejects_leaves_no_object(work: ImportWork, storage: Storage) -> None:
    import_id = await add_import(work.pool, storage, HEADER + GOOD_ROW)
    await run_import_job(work, import_id, 0)
    assert await storage.keys(rejects_folder(import_id)) == []


async def test_a_reading_dated_tomorrow_plus_an_hour_is_refused_with_its_own_code(
    work: ImportWork, storage: Storage
) -> None:
    now = datetime.now(UTC)
    allowed, refused = now + timedelta(hours=23), now + timedelta(hours=25)
    content = f"{HEADER}a,{allowed.isoformat()},1\na,{refused.isoformat()},1\n"
    import_id = await add_import(work.pool, storage, content)
    await run_import_job(work, import_id, 0)
    assert [reject[:3] for reject in await rejects_of(storage, import_id)] == [
        (3, "too_future", "timestamp")
    ]


async def test_rows_below_the_retention_horizon_are_refused_and_shrink_no_rollup(
    work: ImportWork, pool: Pool
) -> None:
    hours = [f"a,2024-01-01T{hour:02}:30:00Z,1\n" for hour in range(24)]
    await run_import(work, HEADER + "".join(hours))
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ('2024-01-01T12:00Z')")
    await pool.execute("DELETE FROM readings WHERE ts < '2024-01-01T12:00Z'")
    late = [f"b,2024-01-01T{hour:02}:30:00Z,1\n" for hour in range(24)]
    outcome = await run_import(work, HEADER + "".join(late))
    assert outcome.account == Account(read=24, inserted=12, rejected=12)
    assert await rolled_up(pool, "readings_1h") == 24 + 12
    assert await rolled_up(pool, "readings_1d") == 24 + 12


async def test_old_and_new_rows_of_one_batch_make_separate_dirty_ranges(
    work: ImportWork, pool: Pool
) -> None:
    now = datetime.now(UTC)
    content = (
        f"{HEADER}a,2013-05-01T10:20:00Z,1\na,2013-05-01T12:00:00Z,1\na,2024-06-03T00:59:59Z,1\n"
        f"a,{now.isoformat()},1\n"
    )
    import_id = await add_import(pool, work.storage, content)
    await load_only(work, import_id)
    rows = await pool.fetch(
        "SELECT range_start, range_end, import_id FROM rollup_dirty_ranges ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [
        (hour(2013, 5, 1, 10), hour(2013, 5, 1, 13), import_id),
        (hour(2024, 6, 3, 0), hour(2024, 6, 3, 1), import_id),
    ]


async def test_equal_rows_make_no_dirty_range(work: ImportWork, pool: Pool) -> None:
    await run_import(work, HEADER + GOOD_ROW)
    again = await add_import(pool, work.storage, HEADER + GOOD_ROW)
    await load_only(work, again)
    assert await pool.fetchval("SELECT count(*) FROM rollup_dirty_ranges") == 0


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


async def test_two_imports_of_the_same_rows_at_once_insert_each_row_once(
    work: ImportWork, pool: Pool
) -> None:
    content = sample_lines(3000)
    accounts = [
        outcome.account
        for outcome in await asyncio.gather(run_import(work, content), run_import(work, content))
    ]
    assert [account.read for account in accounts] == [3000, 3000]
    assert sum(account.inserted for account in accounts) == len(await rows_of(pool)) == 3000
    assert sum(account.unchanged for account in accounts) == 3000


async def test_the_earliest_possible_moment_is_stored_and_rolled_up(
    work: ImportWork, pool: Pool
) -> None:
    outcome = await run_import(work, f"{HEADER}a,0001-01-02T00:00:00Z,1\n{GOOD_ROW}")
    assert (outcome.state, outcome.account) == ("done", Account(read=2, inserted=2))
    assert await rolled_up(pool, "readings_1d") == 2


async def test_every_change_of_state_is_notified(work: ImportWork, migrated_url: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(migrated_url)
    await listener.add_listener("sensorflow_imports", lambda *event: heard.put_nowait(event[-1]))
    import_id = await add_import(work.pool, work.storage, HEADER + GOOD_ROW)
    await run_import_job(work, import_id, 0)
    assert [await asyncio.wait_for(heard.get(), 10) for _ in range(3)] == [str(import_id)] * 3
    await listener.close()


async def test_a_job_for_an_import_that_has_ended_changes_nothing(work: ImportWork) -> None:
    import_id = await add_import(work.pool, work.storage, HEADER + GOOD_ROW)
    await run_import_job(work, import_id, 0)
    before = await outcome_of(work.pool, import_id)
    await run_import_job(work, import_id, 0)
    assert await outcome_of(work.pool, import_id) == before


# Every batch of this file has a reject, so every batch writes to the storage once.
BATCH = "a,2024-01-01T0{0}:00:00Z,1\na,2024-01-01T0{0}:00:00Z,2\na,2024-01-01T0{0}:00:00Z,x\n"
FILE = HEADER + "".join(BATCH.format(number) for number in range(5))
WHOLE = Account(read=15, inserted=5, replaced=5, rejected=5)


async def test_asked_to_stop_the_worker_ends_after_the_batch_and_the_next_continues(
    work: ImportWork,
) -> None:
    stopping = in_batches(work, work.stop.set)
    import_id = await add_import(work.pool, work.storage, FILE)
    with pytest.raises(RetryRequested) as asked:
        await run_import_job(stopping, import_id, 0)
    assert asked.value.delay == timedelta(0)
    stopped = await outcome_of(work.pool, import_id)
    assert (stopped.state, stopped.lines_done) == ("loading", 4)
    assert stopped.account == Account(read=3, inserted=1, replaced=1, rejected=1)
    work.stop.clear()
    await assert_finishes(work, import_id)


async def test_a_worker_that_is_stopped_again_and_again_does_not_use_up_the_attempts(
    work: ImportWork,
) -> None:
    import_id = await add_import(work.pool, work.storage, FILE)
    work.stop.set()
    for _ in range(work.worker.max_attempts + 2):
        with pytest.raises(RetryRequested):
            await run_import_job(work, import_id, 0)
    work.stop.clear()
    await assert_finishes(work, import_id)


async def test_rejects_of_a_batch_that_was_never_committed_are_forgotten(work: ImportWork) -> None:
    import_id = await add_import(work.pool, work.storage, FILE)
    await work.storage.put(f"{rejects_folder(import_id)}/{3:012d}.csv", b'3,"x","x","x"\n')
    await assert_finishes(work, import_id)


async def test_a_storage_fault_is_tried_again_from_the_last_batch(work: ImportWork) -> None:
    failing = in_batches(work, Mock(side_effect=[None, None, StorageError("away")]))
    import_id = await add_import(work.pool, work.storage, FILE)
    with pytest.raises(RetryRequested) as asked:
        await run_import_job(failing, import_id, 3)
    assert asked.value.delay == timedelta(seconds=8)
    assert (await outcome_of(work.pool, import_id)).lines_done == 7
    await assert_finishes(work, import_id)


async def test_an_attempt_that_was_overtaken_stops_quietly_and_writes_nothing(
    work: ImportWork,
) -> None:
    import_id = await add_import(work.pool, work.storage, FILE)
    overtaken = in_batches(work, lambda: work.imports.claim(import_id))
    with structlog.testing.capture_logs() as logged:
        await run_import_job(overtaken, import_id, 0)
    assert logged[-1]["event"] == "import_taken_over"
    assert (await outcome_of(work.pool, import_id)).account == Account()
    await assert_finishes(work, import_id)


async def test_a_cancelled_import_stops_before_its_next_batch_and_a_retry_loads_the_rest(
    work: ImportWork,
) -> None:
    import_id = await add_import(work.pool, work.storage, FILE)
    cancelling = in_batches(work, Mock(side_effect=[None, set_state(work, "cancelled")]))
    with structlog.testing.capture_logs() as logged:
        await run_import_job(cancelling, import_id, 0)
    assert logged[-1]["event"] == "import_cancelled"
    cancelled = await outcome_of(work.pool, import_id)
    assert (cancelled.state, cancelled.lines_done) == ("cancelled", 4)
    assert len(await rows_of(work.pool)) == cancelled.account.inserted == 1
    await set_state(work, "queued")
    await assert_finishes(work, import_id)


async def test_an_import_that_never_gets_on_is_given_up(work: ImportWork) -> None:
    failing = in_batches(work, Mock(side_effect=[None] + [StorageError("away")] * 9))
    import_id = await add_import(work.pool, work.storage, FILE)
    for _ in range(work.worker.max_attempts + 1):
        with pytest.raises(RetryRequested):
            await run_import_job(failing, import_id, 0)
    await run_import_job(failing, import_id, 0)
    outcome = await outcome_of(work.pool, import_id)
    assert (outcome.state, outcome.error_code) == ("failed", "too_many_attempts")
    assert outcome.account.read == 3


@pytest.mark.parametrize("write", ["begin_aggregating", "finish", "fail", "store_batch"])
async def test_no_write_of_an_overtaken_attempt_takes_effect(work: ImportWork, write: str) -> None:
    import_id = await add_import(work.pool, work.storage, FILE)
    overtaken = await work.imports.claim(import_id)
    current = await work.imports.claim(import_id)
    assert overtaken is not None
    assert current is not None
    if write == "finish":
        await work.imports.begin_aggregating(current)
    before = await work.pool.fetchrow("SELECT * FROM imports")
    with pytest.raises(LeaseLostError):
        await getattr(work.imports, write)(overtaken, *ARGUMENTS.get(write, ()))
    assert await work.pool.fetchrow("SELECT * FROM imports") == before
    assert await rows_of(work.pool) == {}


NOTHING = pl.DataFrame(schema=dict.fromkeys(("line", "code", "column", "row"), pl.String))
ONE_ROW = pl.DataFrame(
    {"equipment_id": ["a"], "ts": [datetime(2024, 1, 1, tzinfo=UTC)], "value": [1.0]}
)
ARGUMENTS = {
    "fail": ("code", "message"),
    "store_batch": (2, JudgedBatch(ONE_ROW, NOTHING), stage(ONE_ROW)),
}


async def assert_finishes(work: ImportWork, import_id: UUID) -> None:
    """The next attempt ends as an undisturbed import would have."""
    await run_import_job(in_batches(work, lambda: None), import_id, 0)
    outcome = await outcome_of(work.pool, import_id)
    assert (outcome.state, outcome.account) == ("done", WHOLE)
    assert [line for line, *_ in await rejects_of(work.storage, import_id)] == [4, 7, 10, 13, 16]
    assert len(await rows_of(work.pool)) == await rolled_up(work.pool) == 5


async def set_state(work: ImportWork, state: str) -> None:
    await work.pool.execute("UPDATE imports SET state = $1", state)


async def load_only(work: ImportWork, import_id: UUID) -> None:
    claim = await work.imports.claim(import_id)
    assert claim is not None
    await load(work, claim)


def in_batches(work: ImportWork, before_put: Callable[[], object]) -> ImportWork:
    """A worker that takes FILE in five batches and does something within each."""
    storage = StorageThat(work.storage, before_put)
    return dataclasses.replace(work, batch_lines=3, storage=storage)


def hour(*date: int) -> datetime:
    return datetime(*date, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day, hour


class StorageThat(Storage):
    """A storage that does something before each batch's rejects are put."""

    def __init__(self, store: Storage, before_put: Callable[[], object]) -> None:
        super().__init__(store._store)  # noqa: SLF001  # the same folder, another behaviour
        self._before_put = before_put

    async def put(self, key: str, content: AsyncIterator[bytes] | bytes) -> None:
        happening = self._before_put()
        if isawaitable(happening):
            await happening
        await super().put(key, content)
