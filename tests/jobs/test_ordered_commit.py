"""Batches side by side: committed in the order of the file, and never crosswise in wait."""

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
from jobs.csv_import.context import ImportWork
from jobs.csv_import.job import run_import_job
from jobs.csv_import.ordered_commit import Turn, store_in_order
from jobs.csv_import.staging import stage
from jobs.errors import TurnLateError
from tests.jobs.support import (
    HEADER,
    Account,
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
    return Batch(number, number, 0, len(hours), 0, pl.DataFrame(), stage(readings))


async def in_order(batches: list[Batch]) -> AsyncIterator[Batch]:
    for item in batches:
        yield item


@settings(max_examples=50, deadline=None)
@given(
    hours=st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6),
    paces=st.lists(st.integers(0, 4), min_size=6, max_size=6),
)
async def test_batches_commit_in_order_and_those_with_a_common_key_never_overlap(
    hours: list[list[int]], paces: list[int]
) -> None:
    at_work: set[int] = set()
    committed: list[int] = []

    async def store(item: Batch, turn: Turn) -> bool:
        number = item.first_line
        assert not any(set(hours[other]) & set(hours[number]) for other in at_work)
        at_work.add(number)
        assert len(at_work) <= 2
        turn.began.set()
        for _ in range(paces[number]):
            await asyncio.sleep(0)
        await turn.comes()
        committed.append(number)
        at_work.remove(number)
        return True

    await store_in_order(in_order([batch(*item) for item in enumerate(hours)]), store)
    assert committed == list(range(len(hours)))


async def test_a_batch_is_written_while_the_one_before_is() -> None:
    second_began = asyncio.Event()

    async def store(item: Batch, turn: Turn) -> bool:
        turn.began.set()
        if item.first_line == 0:
            await asyncio.wait_for(second_began.wait(), 10)
        else:
            second_began.set()
        await turn.comes()
        return True

    await store_in_order(in_order([batch(0, [1]), batch(1, [2])]), store)


async def test_a_batch_whose_turn_is_late_is_undone_and_stored_again_alone() -> None:
    let_first_end = asyncio.Event()
    ends: list[object] = []

    async def store(item: Batch, turn: Turn) -> bool:
        turn.began.set()
        if item.first_line == 0:
            await let_first_end.wait()
        try:
            await turn.comes(within_seconds=0)
        except TurnLateError:
            ends.append("late")
            let_first_end.set()
            raise
        ends.append(item.first_line)
        return True

    await store_in_order(in_order([batch(0, [1]), batch(1, [2])]), store)
    assert ends == ["late", 0, 1]


async def test_when_a_batch_fails_the_ones_before_are_stored_and_none_after() -> None:
    committed = []

    async def store(item: Batch, turn: Turn) -> bool:
        turn.began.set()
        await asyncio.sleep(0)
        if item.first_line == 2:
            raise OSError("no more")
        await turn.comes()
        committed.append(item.first_line)
        return True

    with pytest.raises(OSError, match="no more"):
        await store_in_order(in_order([batch(n, [n]) for n in range(5)]), store)
    assert committed == [0, 1]


async def test_another_session_that_waits_for_one_batch_and_holds_up_the_other_comes_through(
    work: ImportWork, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its wait and ours make a ring that the server cannot see."""
    impatient = dataclasses.replace(work, batch_lines=1, worker=WorkerSettings(lease_seconds=1))
    content = f"{HEADER}a,2024-01-01T00:00Z,1\na,2024-01-01T01:00Z,1\n"
    import_id = await add_import(work.pool, work.storage, content)
    other = await asyncpg.connect(migrated_url)
    await skip_unless_sessions_wait_for_each_other(other, migrated_url)
    await work.pool.execute(INSERT, DAY + timedelta(hours=2))
    transaction = other.transaction()
    await transaction.start()
    await other.execute(INSERT, DAY)
    second_batch_waits = written_out_of_turn(monkeypatch)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(run_import_job(impatient, import_id, 0))
        await second_batch_waits.wait()
        await other.execute(INSERT, DAY + timedelta(hours=1))
        await transaction.commit()
    await other.close()
    outcome = await outcome_of(work.pool, import_id)
    assert (outcome.state, outcome.account) == ("done", Account(read=2, replaced=2))
    assert outcome.attempt == 1
    assert await rolled_up(work.pool) == 3


def written_out_of_turn(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a batch has written its rows and waits for the one before."""
    written = asyncio.Event()
    comes = Turn.comes

    async def noted(turn: Turn, within_seconds: float | None = None) -> None:
        if turn.before is not None:
            written.set()
        await comes(turn, within_seconds)

    monkeypatch.setattr(Turn, "comes", noted)
    return written
