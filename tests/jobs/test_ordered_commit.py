"""Concurrent batches: committed in the order of the file, and never deadlocked."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.settings import WorkerSettings
from jobs.csv_import.batch import Batch
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.csv_import.ordered_commit import CommitSlot, commit_in_order
from jobs.csv_import.staging import stage
from jobs.errors import CommitOrderTimeoutError
from tests.jobs.support import (
    HEADER,
    ImportCounts,
    add_import,
    outcome_of,
    rolled_up,
    skip_unless_sessions_wait_for_each_other,
)

DAY = datetime(2024, 1, 1, tzinfo=UTC)
INSERT = "INSERT INTO readings (equipment_id, ts, value) VALUES ('a', $1, 5)"


def batch(number: int, hours: Sequence[int]) -> Batch:
    """A batch with a reading at each of the hours."""
    readings = pl.DataFrame(
        [("a", DAY + timedelta(hours=hour), 1.0) for hour in hours],
        schema={"equipment_id": pl.String, "ts": pl.Datetime("us", "UTC"), "value": pl.Float64},
        orient="row",
    )
    return Batch(
        first_line=number,
        last_line=number,
        size_bytes=0,
        rows_read=len(hours),
        rows_rejected=0,
        rejects=pl.DataFrame(),
        staged=stage(readings),
        warnings=(),
    )


async def in_order(batches: list[Batch]) -> AsyncIterator[Batch]:
    for item in batches:
        yield item


@settings(max_examples=50)
@given(
    hours=st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6),
    paces=st.lists(st.integers(0, 4), min_size=6, max_size=6),
)
async def test_batches_commit_in_order_and_those_with_a_common_key_never_overlap(
    hours: list[list[int]], paces: list[int]
) -> None:
    storing: set[int] = set()
    committed: list[int] = []

    async def store(item: Batch, slot: CommitSlot) -> bool:
        number = item.first_line
        assert not any(set(hours[other]) & set(hours[number]) for other in storing)
        storing.add(number)
        assert len(storing) <= 2
        slot.transaction_began.set()
        for _ in range(paces[number]):
            await asyncio.sleep(0)
        await slot.wait()
        committed.append(number)
        storing.remove(number)
        return True

    await commit_in_order(in_order([batch(*item) for item in enumerate(hours)]), store)
    assert committed == list(range(len(hours)))


async def test_a_batch_is_written_while_the_one_before_is() -> None:
    second_began = asyncio.Event()

    async def store(item: Batch, slot: CommitSlot) -> bool:
        slot.transaction_began.set()
        if item.first_line == 0:
            await asyncio.wait_for(second_began.wait(), 10)
        else:
            second_began.set()
        await slot.wait()
        return True

    await commit_in_order(in_order([batch(0, [1]), batch(1, [2])]), store)


async def test_a_batch_that_waits_too_long_is_rolled_back_and_stored_again_alone() -> None:
    let_first_end = asyncio.Event()
    ends: list[object] = []

    async def store(item: Batch, slot: CommitSlot) -> bool:
        slot.transaction_began.set()
        if item.first_line == 0:
            await let_first_end.wait()
        try:
            await slot.wait(within_seconds=0)
        except CommitOrderTimeoutError:
            ends.append("late")
            let_first_end.set()
            raise
        ends.append(item.first_line)
        return True

    await commit_in_order(in_order([batch(0, [1]), batch(1, [2])]), store)
    assert ends == ["late", 0, 1]


async def test_when_a_batch_fails_the_ones_before_are_stored_and_none_after() -> None:
    committed = []

    async def store(item: Batch, slot: CommitSlot) -> bool:
        slot.transaction_began.set()
        await asyncio.sleep(0)
        if item.first_line == 2:
            raise OSError("no more")
        await slot.wait()
        committed.append(item.first_line)
        return True

    with pytest.raises(OSError, match="no more"):
        await commit_in_order(in_order([batch(n, [n]) for n in range(5)]), store)
    assert committed == [0, 1]


async def test_another_session_that_waits_for_one_batch_and_holds_up_the_other_comes_through(
    context: ImportContext, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two waits are a deadlock that the server cannot detect."""
    impatient = dataclasses.replace(context, batch_lines=1, worker=WorkerSettings(lease_seconds=1))
    content = f"{HEADER}a,2024-01-01T00:00Z,1\na,2024-01-01T01:00Z,1\n"
    import_id = await add_import(context.pool, context.storage, content)
    other = await asyncpg.connect(migrated_url)
    await skip_unless_sessions_wait_for_each_other(other)
    await context.pool.execute(INSERT, DAY + timedelta(hours=2))
    transaction = other.transaction()
    await transaction.start()
    await other.execute(INSERT, DAY)
    second_batch_waits = written_before_its_slot(monkeypatch)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(run_import_job(impatient, import_id, 0))
        await second_batch_waits.wait()
        await other.execute(INSERT, DAY + timedelta(hours=1))
        await transaction.commit()
    await other.close()
    outcome = await outcome_of(context.pool, import_id)
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(read=2, replaced=2))
    assert outcome.attempt == 1
    assert await rolled_up(context.pool) == 3


def written_before_its_slot(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a batch has written its rows and waits for the one before."""
    written = asyncio.Event()
    original_wait = CommitSlot.wait

    async def noted(slot: CommitSlot, within_seconds: float | None = None) -> None:
        if slot.previous is not None:
            written.set()
        await original_wait(slot, within_seconds)

    monkeypatch.setattr(CommitSlot, "wait", noted)
    return written
