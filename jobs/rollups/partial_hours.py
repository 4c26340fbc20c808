"""Roll partial_hours forward: what the hourly rollup has not materialised, added up as it arrives.

Queries add to it only the readings past its end, and the pending ones that writers enter before its
end. docs/decisions/0009-partial-hours.md says why nothing is missed or counted twice.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from core.database import Connection, Pool
from core.queries import all_rows, queries
from jobs.errors import CONCURRENCY_ERRORS

# Readings that are older than this and a few seconds when they are written are entered as pending.
DELAY_SECONDS = 15.0
# What is merged in one transaction, after time in which nothing was.
STEP_SECONDS = 900.0
WAIT_FOR_WRITERS_SECONDS = 2.0
POLL_SECONDS = 0.02
# After a server of an earlier release, which enters nothing as pending, has written.
QUIET_SECONDS = 60.0


async def roll_forward(pool: Pool, raise_if_stopping: Callable[[], None]) -> None:
    """Merge what was written until some seconds ago, and the pending readings, into partial_hours.

    Another worker may do so at the same time: one of them leaves it to its next call.
    """
    async with pool.acquire() as connection:
        is_behind = True
        while is_behind:
            raise_if_stopping()
            try:
                is_behind = await _roll_a_step(connection)
            except CONCURRENCY_ERRORS:
                return


async def _roll_a_step(connection: Connection) -> bool:
    """Whether there is more to merge already."""
    bounds = {"delay_seconds": DELAY_SECONDS, "step_seconds": STEP_SECONDS}
    announced = await queries().announce_partial_hours(connection, **bounds)
    if announced is None:
        await _discard(connection)
        return False
    all_know = await wait_for_writers(connection)
    await _merge(connection, announced["announced_end"] if all_know else None)
    return all_know and bool(announced["is_behind"])


async def wait_for_writers(connection: Connection) -> bool:
    """Wait for the transactions that may not know what is announced; whether they have ended."""
    waiting = await _writers(connection)
    deadline = time.monotonic() + WAIT_FOR_WRITERS_SECONDS
    while waiting and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        waiting &= await _writers(connection)
    return not waiting


async def _writers(connection: Connection) -> set[str]:
    rows = await all_rows(queries().writing_transactions, connection)
    return {row["virtualtransaction"] for row in rows}


async def _merge(connection: Connection, announced_end: datetime | None) -> None:
    """Merge up to the announced end, or only what is pending."""
    async with connection.transaction(isolation="repeatable_read"):
        covered = await queries().lock_partial_hours(connection)
        if not covered["is_begun"]:
            return
        span = {"start_ts": covered["start_ts"], "end_ts": covered["end_ts"]}
        new_end = max(covered["end_ts"], announced_end or covered["end_ts"])
        await queries().delete_passed_hours(connection, **span)
        await queries().merge_pieces(connection, **span, new_end=new_end)
        await queries().end_merge(connection, new_end=new_end)


async def _discard(connection: Connection) -> None:
    """Begin anew with the next call, or the first one after servers of earlier releases ended."""
    async with connection.transaction(isolation="repeatable_read"):
        await queries().lock_partial_hours(connection)
        await queries().discard_partial_hours(connection, quiet_seconds=QUIET_SECONDS)
