"""From a notification to the news that it means."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import msgspec

from api.exports.schemas import StoredReading
from api.live.schemas import ChangedBucket, ChangedDays, News
from core.database import Connection
from core.queries import all_rows, queries

# Told one by one: so many readings, on so many days of equipment. More is told by the day.
MOST_READINGS = 500
MOST_DAYS = 50

HOUR_SECONDS = 3600
ANY_EQUIPMENT = ""


class Change(msgspec.Struct, frozen=True, rename="camel"):
    """What sql/definitions/017_live.sql tells: equipment and days side by side."""

    at: datetime
    equipment_ids: list[str] = []
    days: list[date] = []


async def news_of(connection: Connection, notification: str) -> Sequence[News]:
    """The readings that were written and their hours, or the days of equipment."""
    change = msgspec.json.decode(notification, type=Change)
    if not change.days:
        return [ChangedDays(None, date.min, date.max)]
    if ANY_EQUIPMENT in change.equipment_ids or len(change.days) > MOST_DAYS:
        return _days(change)
    readings = await _written(connection, change)
    if len(readings) > MOST_READINGS:
        return _days(change)
    hours = dict.fromkeys(
        ChangedBucket(reading.equipment_id, _hour(reading.timestamp)) for reading in readings
    )
    return [*readings, *hours]


async def _written(connection: Connection, change: Change) -> list[StoredReading]:
    rows = await all_rows(
        queries().readings_written,
        connection,
        equipment_ids=change.equipment_ids,
        days=[datetime.combine(day, time(), UTC) for day in change.days],
        at=change.at,
        row_limit=MOST_READINGS + 1,
    )
    return [StoredReading(*row) for row in rows]


def _days(change: Change) -> list[News]:
    spans: dict[str, list[date]] = {}
    for name, day in zip(change.equipment_ids, change.days, strict=True):
        spans.setdefault(name, []).append(day)
    return [ChangedDays(name or None, min(days), max(days)) for name, days in spans.items()]


def _hour(moment: datetime) -> int:
    return int(moment.timestamp()) // HOUR_SECONDS * HOUR_SECONDS
