"""From a notification of the database to the events for clients."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated

import msgspec

from api.live.schemas import ChangedBucket, ChangedDays, Event
from api.readings.stored_reading import StoredReading
from core.database import Connection
from core.queries import all_rows, queries
from core.readings import EARLIEST, LATEST

# Sent one by one: at most so many readings, on so many days of equipment. More is sent by the day.
MAX_READINGS = 500
MAX_DAYS = 50

HOUR_SECONDS = 3600
ANY_EQUIPMENT = ""


# PostgreSQL has no text with the character 0.
EquipmentId = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z")]


class UnreadableNotificationError(Exception):
    """The payload is not one of ours: every login of the database may notify."""


class Notification(msgspec.Struct, frozen=True, rename="camel"):
    """The payload of sql/definitions/017_live.sql: equipment and days side by side."""

    at: datetime
    equipment_ids: list[EquipmentId] = []
    days: list[date] = []

    def __post_init__(self) -> None:
        """Raise ValueError for what the types alone let through."""
        if self.at.tzinfo is None or not EARLIEST <= self.at <= LATEST:
            raise ValueError("not a moment of the database")
        if len(self.equipment_ids) != len(self.days):
            raise ValueError("equipment and days are not side by side")


def parse_notification(payload: str) -> Notification:
    """Raises UnreadableNotificationError."""
    try:
        return msgspec.json.decode(payload, type=Notification)
    except (ValueError, RecursionError) as error:
        raise UnreadableNotificationError(str(error)) from error


async def events_of(connection: Connection, notification: Notification) -> Sequence[Event]:
    """The readings that were written and their hours, or the changed days of equipment."""
    if not notification.days:
        return [ChangedDays(None, date.min, date.max)]
    if ANY_EQUIPMENT in notification.equipment_ids or len(notification.days) > MAX_DAYS:
        return _changed_days(notification)
    readings = await _written_readings(connection, notification)
    if len(readings) > MAX_READINGS:
        return _changed_days(notification)
    hours = dict.fromkeys(
        ChangedBucket(reading.equipment_id, _hour(reading.timestamp)) for reading in readings
    )
    return [*readings, *hours]


async def _written_readings(
    connection: Connection, notification: Notification
) -> list[StoredReading]:
    rows = await all_rows(
        queries().readings_written,
        connection,
        equipment_ids=notification.equipment_ids,
        days=[datetime.combine(day, time(), UTC) for day in notification.days],
        at=notification.at,
        row_limit=MAX_READINGS + 1,
    )
    return [StoredReading(*row) for row in rows]


def _changed_days(notification: Notification) -> list[Event]:
    days_of: dict[str, list[date]] = {}
    for equipment_id, day in zip(notification.equipment_ids, notification.days, strict=True):
        days_of.setdefault(equipment_id, []).append(day)
    return [ChangedDays(name or None, min(days), max(days)) for name, days in days_of.items()]


def _hour(ts: datetime) -> int:
    return int(ts.timestamp()) // HOUR_SECONDS * HOUR_SECONDS
