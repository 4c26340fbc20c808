"""Batches written two at a time, but committed in the order of the file."""

import asyncio
from asyncio import to_thread
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from jobs.csv_import.batch import Batch
from jobs.csv_import.staging import shares_keys
from jobs.errors import TurnLateError

AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Turn:
    """A batch's place in the order; `before` ends when the batch before it is committed.

    `expect_new` guesses, for speed alone, whether its keys are all new. `began` is set in the
    batch's transaction: an engine of one session serves whoever began first, so the next batch must
    not begin before this one.
    """

    before: "asyncio.Future[bool] | None" = None
    expect_new: bool = True
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def comes(self, within_seconds: float | None = None) -> None:
        """Wait until this batch may commit.

        Raises TurnLateError, or whatever kept the batch before from being committed.
        """
        if self.before is None:
            return
        await asyncio.wait((self.before,), timeout=within_seconds)
        if not self.before.done():
            raise TurnLateError("The batch before this one is still being written.")
        self.before.result()


Store = Callable[[Batch, Turn], Awaitable[bool]]


class _Writing(NamedTuple):
    batch: Batch
    task: asyncio.Task[bool]


async def store_in_order(batches: AsyncIterator[Batch], store: Store) -> None:
    """Store each batch, beside the one before it if no key is in both.

    `store` says whether all keys of the batch were new. When it raises, the batches before are
    still stored, and none after it.
    """
    under_way: deque[_Writing] = deque()
    expect_new = True
    try:
        async for batch in batches:
            while under_way and not await _may_join(under_way, batch):
                expect_new = await under_way.popleft().task
            turn = Turn(under_way[-1].task if under_way else None, expect_new)
            task = asyncio.create_task(_store_in_turn(batch, turn, store))
            under_way.append(_Writing(batch, task))
            await turn.began.wait()
        while under_way:
            await under_way.popleft().task
    except asyncio.CancelledError:
        for writing in under_way:
            writing.task.cancel()
        raise
    finally:
        await asyncio.gather(*(writing.task for writing in under_way), return_exceptions=True)


async def _may_join(under_way: deque[_Writing], batch: Batch) -> bool:
    if len(under_way) == AT_ONCE or under_way[0].task.done():
        return False
    return not await to_thread(shares_keys, under_way[0].batch.staged, batch.staged)


async def _store_in_turn(batch: Batch, turn: Turn, store: Store) -> bool:
    try:
        return await store(batch, turn)
    except TurnLateError:
        # Its transaction is undone, so nothing that the batch before may have waited for is locked.
        await turn.comes()
        return await store(batch, Turn(expect_new=turn.expect_new))
    finally:
        turn.began.set()
