"""Attempts at an import that end early: stopped, cancelled, overtaken, failing storage."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from unittest.mock import AsyncMock, Mock
from uuid import UUID

import polars as pl
import pytest
import structlog
from pgqueuer.domain.errors import RetryRequested
from polars.exceptions import PanicException

from core.errors import StorageError
from core.storage import Storage, rejects_folder
from jobs.csv_import.batch import Batch
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.csv_import.ordered_commit import CommitSlot
from jobs.csv_import.staging import stage
from jobs.errors import LeaseLostError
from tests.jobs.support import (
    HEADER,
    ImportCounts,
    add_import,
    outcome_of,
    rejects_of,
    rolled_up,
    rows_of,
)

# Every batch of this file has a reject, so every batch writes to the storage once.
BATCH = "a,2024-01-01T0{0}:00:00Z,1\na,2024-01-01T0{0}:00:00Z,2\na,2024-01-01T0{0}:00:00Z,x\n"
FILE = HEADER + "".join(BATCH.format(number) for number in range(5))
WHOLE = ImportCounts(read=15, inserted=5, replaced=5, rejected=5)


async def test_asked_to_stop_the_worker_ends_after_the_batch_and_the_next_continues(
    context: ImportContext,
) -> None:
    stopping = in_batches(context, context.stop.set)
    import_id = await add_import(context.pool, context.storage, FILE)
    with pytest.raises(RetryRequested) as requested:
        await run_import_job(stopping, import_id, 0)
    assert requested.value.delay == timedelta(0)
    stopped = await outcome_of(context.pool, import_id)
    assert (stopped.state, stopped.lines_done) == ("loading", 4)
    assert stopped.counts == ImportCounts(read=3, inserted=1, replaced=1, rejected=1)
    context.stop.clear()
    await assert_finishes(context, import_id)


async def test_a_worker_that_is_stopped_again_and_again_does_not_use_up_the_attempts(
    context: ImportContext,
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    context.stop.set()
    for _ in range(context.worker.max_attempts + 2):
        with pytest.raises(RetryRequested):
            await run_import_job(context, import_id, 0)
    context.stop.clear()
    await assert_finishes(context, import_id)


async def test_rejects_of_a_batch_that_was_never_committed_are_forgotten(
    context: ImportContext,
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    await context.storage.put(f"{rejects_folder(import_id)}/{3:012d}.csv", b'3,"x","x","x"\n')
    await assert_finishes(context, import_id)


async def test_a_storage_fault_is_tried_again_from_the_last_batch(context: ImportContext) -> None:
    failing = in_batches(context, Mock(side_effect=[None, None, StorageError("away")]))
    import_id = await add_import(context.pool, context.storage, FILE)
    with pytest.raises(RetryRequested) as requested:
        await run_import_job(failing, import_id, 3)
    assert requested.value.delay == timedelta(seconds=8)
    assert (await outcome_of(context.pool, import_id)).lines_done == 7
    await assert_finishes(context, import_id)


async def test_a_panic_inside_polars_ends_the_attempt_and_not_the_worker(
    context: ImportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    panic = PanicException("a bug there")
    monkeypatch.setattr("jobs.csv_import.validated_batches.validate", Mock(side_effect=panic))
    with pytest.raises(RetryRequested) as requested:
        await run_import_job(context, import_id, 0)
    assert requested.value.__cause__ is panic


async def test_an_attempt_that_was_overtaken_stops_quietly_and_writes_nothing(
    context: ImportContext,
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    overtaken = in_batches(context, lambda: context.imports.claim(import_id))
    with structlog.testing.capture_logs() as logged:
        await run_import_job(overtaken, import_id, 0)
    assert logged[-1]["event"] == "import_taken_over"
    assert (await outcome_of(context.pool, import_id)).counts == ImportCounts()
    await assert_finishes(context, import_id)


async def test_a_cancelled_import_stops_before_its_next_batch_and_a_retry_loads_the_rest(
    context: ImportContext,
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    cancelling = in_batches(
        context, Mock(side_effect=[None, None, set_state(context, "cancelled")])
    )
    with structlog.testing.capture_logs() as logged:
        await run_import_job(cancelling, import_id, 0)
    assert logged[-1]["event"] == "import_cancelled"
    cancelled = await outcome_of(context.pool, import_id)
    assert cancelled.state == "cancelled"
    assert len(await rows_of(context.pool)) == cancelled.counts.inserted
    assert cancelled.lines_done in {4, 7}  # the second batch may have been in flight
    await set_state(context, "queued")
    await assert_finishes(context, import_id)


async def test_an_import_without_progress_fails_after_its_last_attempt(
    context: ImportContext,
) -> None:
    failing = in_batches(context, Mock(side_effect=[None] + [StorageError("away")] * 9))
    import_id = await add_import(context.pool, context.storage, FILE)
    for _ in range(context.worker.max_attempts + 1):
        with pytest.raises(RetryRequested):
            await run_import_job(failing, import_id, 0)
    await run_import_job(failing, import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert (outcome.state, outcome.error_code) == ("failed", "too_many_attempts")
    assert outcome.counts.read == 3


@pytest.mark.parametrize("write", ["begin_aggregating", "finish", "fail", "store_batch"])
async def test_no_write_of_an_overtaken_attempt_takes_effect(
    context: ImportContext, write: str
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    overtaken = await context.imports.claim(import_id)
    current = await context.imports.claim(import_id)
    assert overtaken is not None
    assert current is not None
    if write == "finish":
        await context.imports.begin_aggregating(current)
    before = await context.pool.fetchrow("SELECT * FROM imports")
    with pytest.raises(LeaseLostError):
        await getattr(context.imports, write)(overtaken, *ARGUMENTS.get(write, ()))
    assert await context.pool.fetchrow("SELECT * FROM imports") == before
    assert await rows_of(context.pool) == {}


NOTHING = pl.DataFrame(schema=dict.fromkeys(("line", "code", "column", "row"), pl.String))
ONE_ROW = pl.DataFrame(
    {"equipment_id": ["a"], "ts": [datetime(2024, 1, 1, tzinfo=UTC)], "value": [1.0]}
)
ONE_ROW_BATCH = Batch(
    first_line=2,
    last_line=2,
    size_bytes=0,
    rows_read=1,
    rows_rejected=0,
    rejects=NOTHING,
    staged=stage(ONE_ROW),
    warnings=(),
)
ARGUMENTS = {
    "fail": ("code", "message"),
    "store_batch": (ONE_ROW_BATCH, CommitSlot(), AsyncMock()),
}


async def assert_finishes(context: ImportContext, import_id: UUID) -> None:
    """The next attempt ends as an undisturbed import would have."""
    await run_import_job(in_batches(context, lambda: None), import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert (outcome.state, outcome.counts) == ("done", WHOLE)
    assert [line for line, *_ in await rejects_of(context.storage, import_id)] == [4, 7, 10, 13, 16]
    assert len(await rows_of(context.pool)) == await rolled_up(context.pool) == 5


async def set_state(context: ImportContext, state: str) -> None:
    await context.pool.execute("UPDATE imports SET state = $1", state)


def in_batches(context: ImportContext, before_put: Callable[[], object]) -> ImportContext:
    """A worker that takes FILE in five batches and does something within each."""
    storage = StorageThat(context.storage, before_put)
    return dataclasses.replace(context, batch_lines=3, storage=storage)


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
