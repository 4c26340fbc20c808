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
from jobs.csv_import.context import ImportWork
from jobs.csv_import.job import run_import_job
from jobs.csv_import.ordered_commit import Turn
from jobs.csv_import.staging import stage
from jobs.errors import LeaseLostError
from tests.jobs.support import (
    HEADER,
    Account,
    add_import,
    outcome_of,
    rejects_of,
    rolled_up,
    rows_of,
)

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


async def test_a_panic_inside_polars_ends_the_attempt_and_not_the_worker(
    work: ImportWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = await add_import(work.pool, work.storage, FILE)
    panic = PanicException("a bug there")
    monkeypatch.setattr("jobs.csv_import.validated_batches.judge", Mock(side_effect=panic))
    with pytest.raises(RetryRequested) as asked:
        await run_import_job(work, import_id, 0)
    assert asked.value.__cause__ is panic


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
    cancelling = in_batches(work, Mock(side_effect=[None, None, set_state(work, "cancelled")]))
    with structlog.testing.capture_logs() as logged:
        await run_import_job(cancelling, import_id, 0)
    assert logged[-1]["event"] == "import_cancelled"
    cancelled = await outcome_of(work.pool, import_id)
    assert cancelled.state == "cancelled"
    assert len(await rows_of(work.pool)) == cancelled.account.inserted
    assert cancelled.lines_done in {4, 7}  # the second batch may have been under way
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
    "store_batch": (Batch(2, 2, 0, 1, 0, NOTHING, stage(ONE_ROW)), Turn(), AsyncMock()),
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


def in_batches(work: ImportWork, before_put: Callable[[], object]) -> ImportWork:
    """A worker that takes FILE in five batches and does something within each."""
    storage = StorageThat(work.storage, before_put)
    return dataclasses.replace(work, batch_lines=3, storage=storage)


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
