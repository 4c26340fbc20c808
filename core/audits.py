"""Audits: rollups are compared with their sources; wrong ones are logged and refreshed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import structlog

from core.database import Connection
from core.queries import queries
from core.time import DAY, floor

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AuditedDay:
    """A UTC day, and how many of its hourly and daily buckets are wrong."""

    start: datetime
    wrong_buckets: int


async def audit(
    connection: Connection, start: datetime, end: datetime
) -> AsyncIterator[AuditedDay]:
    """Audit each UTC day that overlaps the range.

    Ranges already in the ledger of dirty ranges, and readings below the horizon, are skipped.
    """
    day = floor(start, DAY)
    while day < end:
        yield await audit_day(connection, day)
        day += DAY


async def audit_day(connection: Connection, start: datetime) -> AuditedDay:
    """Compare the hours with readings and the day with its hours; if they differ, enter the day.

    The worker's next refresh then detects the difference again and refreshes by force.
    """
    bounds = {"range_start": start, "range_end": start + DAY}
    limits = await queries().refresh_limits(connection)
    if limits["horizon"] and start < limits["horizon"]:
        return AuditedDay(start, 0)
    wrong = await queries().hourly_differences(connection, **bounds, ledger_ids=[])
    wrong += await queries().daily_differences(connection, **bounds, ledger_ids=[])
    async with connection.transaction():
        await queries().count_audit(connection, wrong_buckets=wrong, day=start)
        if wrong:
            log.error("audit_found_wrong_buckets", buckets=wrong, **bounds)
            await queries().enter_dirty_range(connection, **bounds)
            await queries().note_changed_range(connection, start=start, stop=start + DAY)
    return AuditedDay(start, wrong)


async def audit_random_day(connection: Connection) -> AuditedDay | None:
    """Audit a random day; None if there is none yet."""
    start = await queries().random_audit_day(connection)
    return None if start is None else await audit_day(connection, start)
