from datetime import datetime

from msgspec import Struct


class LatestReading(Struct, frozen=True, rename="camel"):
    """The reading of an equipment with the newest timestamp."""

    equipment_id: str
    timestamp: datetime
    value: float


class LatestReadings(Struct, frozen=True, rename="camel"):
    """Of each equipment its latest reading as of `asOf`, in order of its id.

    `nextCursor` is null on the last page.
    """

    items: list[LatestReading]
    as_of: datetime
    next_cursor: str | None
