"""Refresh the rollups over the ranges in the ledger, and verify the result."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from core.database import Connection, database_errors, open_connection
from core.policies import GUIDE
from core.queries import all_rows, queries
from core.settings import DatabaseSettings
from core.time import DAY, HOUR, TimeRange, ceiling
from core.traces import span
from jobs.errors import CONCURRENCY_ERRORS, RefreshLeaseLostError
from jobs.rollups.lease import RefreshLease, refresh_lease
from jobs.rollups.ranges import align_to_buckets, clamp, split_at_chunks

log = structlog.get_logger()

RETRY_DELAYS_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)

StopCheck = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Rollup:
    """A continuous aggregate: queries that refresh a range of it and count its wrong buckets.

    `differences` compares values. `miscounts` only counts rows, which suffices where rows were
    added and none replaced.
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
    queries().daily_differences,  # it compares hours, which are few
)


@dataclass(frozen=True, slots=True)
class DirtyRange:
    """A row of the ledger."""

    id: int
    range: TimeRange
    only_new: bool


def _never_stop() -> None:
    """The stop check of a caller that never interrupts a refresh."""


async def refresh_dirty_ranges(
    database: DatabaseSettings, raise_if_stopping: StopCheck = _never_stop
) -> bool:
    """Refresh and verify the rollups over the ledger's ranges, then delete its verified rows.

    False when another session is refreshing already, or has taken over. Rows whose range is still
    wrong stay in the ledger. `raise_if_stopping` is called between two slices and raises to
    interrupt the refresh.
    """
    with database_errors():
        async with open_connection(database) as connection, refresh_lease(connection) as lease:
            if lease is None:
                return False
            try:
                await _refresh_ledger(database, connection, lease, raise_if_stopping)
            except RefreshLeaseLostError:
                return False
            return True


async def _refresh_ledger(
    database: DatabaseSettings,
    connection: Connection,
    lease: RefreshLease,
    raise_if_stopping: StopCheck,
) -> None:
    if ledger := await _read_ledger(connection):
        async with open_connection(database) as second, lease.held(database, second):
            with span("refresh rollups", {"sensorflow.ranges": len(ledger)}):
                await _refresh_ranges(ledger, (connection, second), lease, raise_if_stopping)


async def _read_ledger(connection: Connection) -> list[DirtyRange]:
    """The ledger's rows, and new ones for what is overdue or would be left unmaterialised.

    A refresh moves the watermark up to its end, and the real-time view adds raw rows only from the
    watermark on: older hours that were never materialised would be missing until they are.
    """
    ledger = [
        DirtyRange(row["id"], TimeRange(row["range_start"], row["range_end"]), row["only_new"])
        async for row in queries().dirty_ranges(connection)
    ]
    hours = align_to_buckets((row.range for row in ledger), HOUR)
    for missing in await _unmaterialised(connection, hours):
        bounds = {"range_start": missing.start, "range_end": missing.end}
        ledger_id = await queries().enter_unmaterialised_range(connection, **bounds)
        ledger.append(DirtyRange(ledger_id, missing, only_new=True))
    return ledger


async def _unmaterialised(connection: Connection, hours: Sequence[TimeRange]) -> list[TimeRange]:
    """What no policy has materialised yet up to the end of the hours; empty if they cover it.

    If that is overdue, it reaches up to where a policy would refresh now.
    """
    bounds = await _overdue_bounds(connection)
    if hours and not bounds:
        bounds = {"after": hours[-1].start, "before": hours[-1].end}
    if not bounds:
        return []
    rows = await all_rows(queries().unmaterialised_ranges, connection, **bounds)
    return align_to_buckets((TimeRange(*row) for row in rows), HOUR)


async def _overdue_bounds(connection: Connection) -> dict[str, datetime]:
    """Empty while the policies do their work, or somebody else does."""
    if not await queries().may_be_overdue(connection):
        return {}
    since = await queries().overdue_since(connection)
    if since is None:
        return {}
    log.warning("rollups_overdue", since=since.isoformat(), remedy=GUIDE)
    limit = (await queries().refresh_limits(connection))["hourly_limit"]
    return {"after": limit, "before": limit}


async def _refresh_ranges(
    ledger: list[DirtyRange],
    connections: Sequence[Connection],
    lease: RefreshLease,
    raise_if_stopping: StopCheck,
) -> None:
    for connection in connections:
        await queries().disable_parallel_query(connection)
    mismatched: list[TimeRange] = []

    async def refresh_slices(
        connection: Connection, rollup: Rollup, slices: Iterator[TimeRange]
    ) -> None:
        for part in slices:  # shared: each connection takes the next one
            raise_if_stopping()
            await lease.renew(connection)
            if not await _refresh_and_verify(connection, rollup, part, ledger):
                mismatched.append(part)

    for rollup, due in await due_slices(connections[0], (row.range for row in ledger)):
        slices = iter(due)
        refreshes = (refresh_slices(connection, rollup, slices) for connection in connections)
        errors = await asyncio.gather(*refreshes, return_exceptions=True)
        for error in filter(None, errors):
            raise error
    verified = [
        row.id for row in ledger if not any(row.range.overlaps(part) for part in mismatched)
    ]
    await queries().delete_dirty_ranges(connections[0], ledger_ids=verified)


async def due_slices(
    connection: Connection, ranges: Iterable[TimeRange]
) -> list[tuple[Rollup, list[TimeRange]]]:
    """The disjoint slices of each rollup to refresh for dirty ranges, the hourly rollup first.

    Hours that begin below the horizon are left alone: their raw rows may be gone. The daily rollup
    reads the hourly one, which keeps its history, so its days may begin below the horizon.
    """
    limits = await queries().refresh_limits(connection)
    earliest = limits["horizon"] and ceiling(limits["horizon"], HOUR)
    hours = align_to_buckets(ranges, HOUR)
    hours = clamp(hours, earliest, limits["hourly_limit"])
    days = clamp(align_to_buckets(hours, DAY), None, limits["daily_limit"])
    return [(HOURLY, list(split_at_chunks(hours))), (DAILY, list(split_at_chunks(days)))]


async def _refresh_and_verify(
    connection: Connection, rollup: Rollup, part: TimeRange, ledger: Sequence[DirtyRange]
) -> bool:
    """Refresh one slice, by force if need be; whether the rollup then agrees with its source."""
    bounds = {"range_start": part.start, "range_end": part.end}
    only_new = all(row.only_new for row in ledger if row.range.overlaps(part))
    count_wrong = rollup.miscounts if only_new else rollup.differences
    for force in (False, True):
        await _refresh_with_retries(connection, rollup, force=force, **bounds)
        wrong = await count_wrong(connection, ledger_ids=[row.id for row in ledger], **bounds)
        if not wrong:
            return True
        log.warning("rollup_differs", rollup=rollup.name, buckets=wrong, forced=force, **bounds)
        await queries().note_changed_range(connection, start=part.start, stop=part.end)
    log.error("rollup_still_differs_after_forced_refresh", rollup=rollup.name, **bounds)
    return False


async def _refresh_with_retries(
    connection: Connection, rollup: Rollup, *, force: bool, **bounds: datetime
) -> None:
    for delay_seconds in RETRY_DELAYS_SECONDS:
        try:
            await _refresh_as_owner(connection, rollup, force=force, **bounds)
        except CONCURRENCY_ERRORS:
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
