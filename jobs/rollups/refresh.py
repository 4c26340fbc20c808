"""Bring the rollups up to date over the ranges in the ledger, and check that they are."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from core.database import Connection, database_errors, open_connection
from core.queries import all_rows, queries
from core.settings import DatabaseSettings
from core.time import DAY, HOUR, TimeRange, ceiling
from core.traces import span
from jobs.errors import CONFLICTS, RefreshLeaseLostError
from jobs.rollups.lease import RefreshLease, refresh_lease
from jobs.rollups.ranges import aligned, clamped, slices

log = structlog.get_logger()

RETRY_DELAYS_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)


@dataclass(frozen=True, slots=True)
class Rollup:
    """A continuous aggregate: how to refresh a range of it, and to count what is wrong there.

    `miscounts` counts that, too, where rows were only added and none replaced.
    """

    name: str
    refresh: Callable[..., Awaitable[object]]
    differences: Callable[..., Awaitable[int]]
    miscounts: Callable[..., Awaitable[int]]


HOURLY = Rollup(
    "readings_1h",
    queries().refresh_hourly,
    queries().hourly_differences,
    queries().hourly_miscounts,
)
DAILY = Rollup(
    "readings_1d",
    queries().refresh_daily,
    queries().daily_differences,
    queries().daily_differences,  # of hours, which are few
)


@dataclass(frozen=True, slots=True)
class DirtyRange:
    """A row of the ledger."""

    id: int
    range: TimeRange
    only_new: bool


def _go_on() -> None:
    """The checkpoint of a caller that never stops a refresh."""


async def refresh_dirty_ranges(
    database: DatabaseSettings, checkpoint: Callable[[], None] = _go_on
) -> bool:
    """Refresh and verify the rollups over the ledger's ranges, then delete the rows it had.

    False when another session is at it, or has taken it over. Rows whose range is still wrong stay
    in the ledger. `checkpoint` is called between two slices and raises to stop the work.
    """
    with database_errors():
        async with open_connection(database) as connection, refresh_lease(connection) as lease:
            if lease is None:
                return False
            try:
                await _refresh_ledger(database, connection, lease, checkpoint)
            except RefreshLeaseLostError:
                return False
            return True


async def _refresh_ledger(
    database: DatabaseSettings,
    connection: Connection,
    lease: RefreshLease,
    checkpoint: Callable[[], None],
) -> None:
    if ledger := await _ledger(connection):
        async with open_connection(database) as helper, lease.kept(database, helper):
            with span("refresh rollups", {"sensorflow.ranges": len(ledger)}):
                await _work_off(ledger, (connection, helper), lease, checkpoint)


async def _ledger(connection: Connection) -> list[DirtyRange]:
    """Its rows, and more where the refresh of these would leave something behind the watermark."""
    ledger = [
        DirtyRange(row["id"], TimeRange(row["range_start"], row["range_end"]), row["only_new"])
        async for row in queries().dirty_ranges(connection)
    ]
    for rest in await _left_behind(connection, aligned((row.range for row in ledger), HOUR)):
        bounds = {"range_start": rest.start, "range_end": rest.end}
        entered = await queries().enter_unmaterialised_range(connection, **bounds)
        ledger.append(DirtyRange(entered, rest, only_new=True))
    return ledger


async def _left_behind(connection: Connection, hours: Sequence[TimeRange]) -> list[TimeRange]:
    """What no policy has come to yet, up to the end of the hours; nothing if they hold it all."""
    if not hours:
        return []
    bounds = {"after": hours[-1].start, "before": hours[-1].end}
    rows = await all_rows(queries().unmaterialised_ranges, connection, **bounds)
    return aligned((TimeRange(*row) for row in rows), HOUR)


async def _work_off(
    ledger: list[DirtyRange],
    connections: Sequence[Connection],
    lease: RefreshLease,
    checkpoint: Callable[[], None],
) -> None:
    for connection in connections:
        await queries().disable_parallel_query(connection)
    wrong: list[TimeRange] = []

    async def take_slices(
        connection: Connection, rollup: Rollup, parts: Iterator[TimeRange]
    ) -> None:
        for part in parts:  # which the other connection takes from as well
            checkpoint()
            await lease.renew(connection)
            if not await _bring_up_to_date(connection, rollup, part, ledger):
                wrong.append(part)

    for rollup, due in await due_slices(connections[0], (row.range for row in ledger)):
        parts = iter(due)
        lanes = (take_slices(connection, rollup, parts) for connection in connections)
        ends = await asyncio.gather(*lanes, return_exceptions=True)
        for error in filter(None, ends):
            raise error
    right = [row.id for row in ledger if not any(row.range.overlaps(part) for part in wrong)]
    await queries().delete_dirty_ranges(connections[0], ledger_ids=right)


async def due_slices(
    connection: Connection, ranges: Iterable[TimeRange]
) -> list[tuple[Rollup, list[TimeRange]]]:
    """The disjoint slices of each rollup to refresh for stale ranges, the hourly one first.

    Hours that begin below the horizon are left alone: their raw rows may be gone. The daily rollup
    reads the hourly one, which keeps its history, so its days may begin below the horizon.
    """
    limits = await queries().refresh_limits(connection)
    earliest = limits["horizon"] and ceiling(limits["horizon"], HOUR)
    hours = aligned(ranges, HOUR)
    hours = clamped(hours, earliest, limits["hourly_limit"])
    days = clamped(aligned(hours, DAY), None, limits["daily_limit"])
    return [(HOURLY, list(slices(hours))), (DAILY, list(slices(days)))]


async def _bring_up_to_date(
    connection: Connection, rollup: Rollup, part: TimeRange, ledger: Sequence[DirtyRange]
) -> bool:
    """Refresh one slice, by force if need be; whether the rollup then agrees with its source."""
    bounds = {"range_start": part.start, "range_end": part.end}
    only_new = all(row.only_new for row in ledger if row.range.overlaps(part))
    count_wrong = rollup.miscounts if only_new else rollup.differences
    for force in (False, True):
        await _refresh(connection, rollup, force=force, **bounds)
        wrong = await count_wrong(connection, ledger_ids=[row.id for row in ledger], **bounds)
        if not wrong:
            return True
        log.warning("rollup_differs", rollup=rollup.name, buckets=wrong, forced=force, **bounds)
        await queries().note_changed_range(connection, start=part.start, stop=part.end)
    log.error("rollup_still_differs_after_forced_refresh", rollup=rollup.name, **bounds)
    return False


async def _refresh(
    connection: Connection, rollup: Rollup, *, force: bool, **bounds: datetime
) -> None:
    for delay_seconds in RETRY_DELAYS_SECONDS:
        try:
            await _refresh_as_owner(connection, rollup, force=force, **bounds)
        except CONFLICTS:
            await asyncio.sleep(delay_seconds)
        else:
            return
    await _refresh_as_owner(connection, rollup, force=force, **bounds)


async def _refresh_as_owner(connection: Connection, rollup: Rollup, **parameters: object) -> None:
    """Refresh, which no function could do in its owner's name: it commits on its way."""
    await queries().become_rollup_owner(connection)
    try:
        await rollup.refresh(connection, **parameters)
    finally:
        await queries().drop_rollup_owner(connection)
