from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import asyncpg
import structlog

from api.system.schemas import (
    Audits,
    Database,
    FailedImport,
    FailedImports,
    Ingest,
    IngestMinute,
    PartialHours,
    Policy,
    Queue,
    RefreshLease,
    Rollup,
    Rollups,
    StaleRanges,
    Storage,
    SystemState,
    WaitingRange,
    Worker,
)
from core.database import REVISION, Connection, Pool, borrowed
from core.queries import all_rows, queries
from core.time import HOUR

log = structlog.get_logger()

STATEMENT_MILLISECONDS = "3000"
MAX_ITEMS = 20
MAX_UNCOUNTED_ENTRIES = 50_000
MAX_PENDING_READINGS = 100_000

MINUTE = timedelta(minutes=1)

# What one statement may meet and the others need not: it is refused, or takes too long.
UNREADABLE = (asyncpg.exceptions.SyntaxOrAccessError, asyncpg.QueryCanceledError)

Part = TypeVar("Part")
Read = Callable[[Connection], Awaitable[Part]]


class SystemRepository:
    """Queries the state of ingest, queue, rollups, workers and database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def state(self) -> tuple[datetime, SystemState]:
        """The state, and the database's timestamp of it.

        Raises the errors of core.database.database_errors.
        """
        async with borrowed(self._pool) as connection, connection.transaction(readonly=True):
            now: datetime = await queries().begin_reading_system(
                connection, milliseconds=STATEMENT_MILLISECONDS
            )

            async def part(name: str, read: Read[Part]) -> Part | None:
                return await _readable(connection, name, read)

            return now, SystemState(
                ingest=await part("ingest", partial(_ingest, now)),
                queue=await part("queue", _queue),
                rollups=await part("rollups", _rollups),
                stale_ranges=await part("stale_ranges", _stale_ranges),
                workers=await part("workers", _workers),
                audits=await part("audits", _audits),
                failed_imports=await part("failed_imports", _failed_imports),
                policies=await part("policies", _policies),
                database=await part("database", _database),
                storage=await part("storage", _storage),
            )


async def _readable(connection: Connection, name: str, read: Read[Part]) -> Part | None:
    try:
        async with connection.transaction():
            return await read(connection)
    except UNREADABLE as error:
        log.warning("system_part_unreadable", part=name, error=repr(error))
        return None


async def _ingest(now: datetime, connection: Connection) -> Ingest:
    rows = await all_rows(queries().ingested_readings, connection, row_limit=MAX_UNCOUNTED_ENTRIES)
    minutes = [IngestMinute(row["minute"], row["readings"]) for row in rows]
    return ingest_until(now, minutes)


def ingest_until(now: datetime, minutes: list[IngestMinute]) -> Ingest:
    """The sums of the minutes of the last day."""
    current = now.replace(second=0, microsecond=0)
    hour = [minute for minute in minutes if minute.start > current - HOUR]
    return Ingest(
        last_minute=sum(each.readings for each in hour if each.start == current - MINUTE),
        last_hour=sum(each.readings for each in hour),
        last_day=sum(each.readings for each in minutes),
        minutes=hour,
    )


async def _queue(connection: Connection) -> Queue:
    return Queue(**await queries().queue_state(connection))


async def _rollups(connection: Connection) -> Rollups:
    rows = await all_rows(queries().rollup_state, connection)
    partial = await queries().partial_hours_state(connection, row_limit=MAX_PENDING_READINGS)
    lease = await queries().refresh_lease_state(connection)
    return Rollups(
        [await _rollup(connection, row) for row in rows],
        PartialHours(partial["end_ts"], partial["pending_readings"]),
        None if lease is None else RefreshLease(**lease),
    )


async def _rollup(connection: Connection, row: asyncpg.Record) -> Rollup:
    watermark, expected = row["watermark"], row["expected"]
    is_behind = (
        watermark is None or watermark < expected
    ) and await queries().has_readings_between(connection, start=watermark, stop=expected)
    return Rollup(row["name"], watermark, row["refresh_limit"], is_behind)


async def _stale_ranges(connection: Connection) -> StaleRanges:
    rows = await all_rows(queries().stale_ranges, connection, row_limit=MAX_ITEMS)
    return StaleRanges(
        rows[0]["ranges"] if rows else 0,
        [
            WaitingRange(row["range_start"], row["range_end"], row["stale_since"], row["due_since"])
            for row in rows
        ],
    )


async def _workers(connection: Connection) -> list[Worker]:
    rows = await all_rows(queries().workers, connection, row_limit=MAX_ITEMS)
    return [Worker(row["id"], row["seen_at"], row["is_present"]) for row in rows]


async def _audits(connection: Connection) -> Audits:
    counts = await queries().audit_counts(connection)
    return Audits(0, 0, None, None, None) if counts is None else Audits(**counts)


async def _failed_imports(connection: Connection) -> FailedImports:
    rows = await all_rows(queries().failed_imports, connection, row_limit=MAX_ITEMS)
    return FailedImports(
        rows[0]["failed_in_a_day"] if rows else 0,
        [
            FailedImport(
                import_id=row["id"],
                file_name=row["file_name"],
                code=row["error_code"],
                message=row["error_message"],
                finished_at=row["finished_at"],
            )
            for row in rows
        ],
    )


async def _policies(connection: Connection) -> list[Policy]:
    return [_policy(row) for row in await all_rows(queries().policies, connection)]


def _policy(row: asyncpg.Record) -> Policy:
    return Policy(
        job_id=row["job_id"],
        procedure=row["procedure"],
        target=row["target"],
        every_seconds=row["schedule_interval"].total_seconds(),
        is_scheduled=row["is_scheduled"],
        next_run_at=row["next_start"],
        last_run_at=row["last_start"],
        last_success_at=row["last_success"],
        has_failed=row["has_failed"],
        runs=row["runs"],
        failures=row["failures"],
        failures_in_a_row=row["failures_in_a_row"],
        error=row["error"],
    )


async def _database(connection: Connection) -> Database:
    state = await queries().database_state(connection)
    return Database(**state, expected_revision=REVISION)


async def _storage(connection: Connection) -> Storage:
    return Storage(**await queries().storage_state(connection))
