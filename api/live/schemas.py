from datetime import date
from typing import TypeAlias

from msgspec import Struct

from api.readings.stored_reading import StoredReading


class ChangedBucket(Struct, frozen=True, rename="camel"):
    """The hour that a new reading lies in, by its start in Unix seconds."""

    equipment_id: str
    interval_start: int


class ChangedDays(Struct, frozen=True, rename="camel"):
    """More changes than are sent one by one: in the UTC days from the first to the last.

    Without equipment it may be any.
    """

    equipment_id: str | None
    first_day: date
    last_day: date


Event: TypeAlias = StoredReading | ChangedBucket | ChangedDays
