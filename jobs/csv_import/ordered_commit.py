"""Batches written two at a time, but committed in the order of the file."""

import asyncio
from asyncio import to_thread
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from jobs.csv_import.batch import Batch
from jobs.csv_import.staging import shares_keys
from jobs.errors import CommitOrderTimeoutError

MAX_IN_FLIGHT = 2


@dataclass(frozen=True, slots=True)
class CommitSlot:
    """A batch's place in the commit order; `previous` ends when the batch before is committed.

    `expect_new` guesses, for speed alone, whether the batch's keys are all new.
    `transaction_began` is set inside the batch's transaction. The next batch must not begin before:
    an engine of one session serves transactions in the order in which they began.
    """

    previous: "asyncio.Future[bool] | None" = None
    expect_new: bool = True
    transaction_began: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, within_seconds: float | None = None) -> None:
        """Wait until this batch may commit.

        Raises CommitOrderTimeoutError, or what prevented the batch before from being committed.
        """
        if self.previous is None:
            return
        await asyncio.wait((self.previous,), timeout=within_seconds)
        if not self.previous.done():
            raise CommitOrderTimeoutError("The batch before this one is still being written.")
        self.previous.result()


StoreBatch = Callable[[Batch, CommitSlot], Awaitable[bool]]


class _InFlight(NamedTuple):
    batch: Batch
    task: asyncio.Task[bool]


async def commit_in_order(batches: AsyncIterator[Batch], store: StoreBatch) -> None:
    """Store each batch, concurrently with the one before it if they have no key in common.

    `store` returns whether all keys of the batch were new. When it raises, the batches before are
    still stored, and none after it.
    """
    in_flight: deque[_InFlight] = deque()
    expect_new = True
    try:
        async for batch in batches:
            while in_flight and not await _can_overlap(in_flight, batch):
                expect_new = await in_flight.popleft().task
            slot = CommitSlot(in_flight[-1].task if in_flight else None, expect_new)
            task = asyncio.create_task(_store_in_slot(batch, slot, store))
            in_flight.append(_InFlight(batch, task))
            await slot.transaction_began.wait()
        while in_flight:
            await in_flight.popleft().task
    except asyncio.CancelledError:
        for writing in in_flight:
            writing.task.cancel()
        raise
    finally:
        await asyncio.gather(*(writing.task for writing in in_flight), return_exceptions=True)


async def _can_overlap(in_flight: deque[_InFlight], batch: Batch) -> bool:
    if len(in_flight) == MAX_IN_FLIGHT or in_flight[0].task.done():
        return False
    return not await to_thread(shares_keys, in_flight[0].batch.staged, batch.staged)


async def _store_in_slot(batch: Batch, slot: CommitSlot, store: StoreBatch) -> bool:
    """Store the batch; after a timeout again, once the batch before is committed."""
    try:
        return await store(batch, slot)
    except CommitOrderTimeoutError:
        # The rollback has released the locks that the batch before may have waited for.
        await slot.wait()
        return await store(batch, CommitSlot(expect_new=slot.expect_new))
    finally:
        slot.transaction_began.set()
