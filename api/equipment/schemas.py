from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from api.http.stale_ranges import StaleRange


class Equipment(Struct, frozen=True, rename="camel", kw_only=True):
    """The metadata of equipment, null where there is none, and a summary of its readings.

    The usual range of values is there if it was requested; null while it is not known.
    """

    equipment_id: str
    name: str | None
    unit: str | None
    location: str | None
    zone: str | None
    expected_period_seconds: float | None
    first_timestamp: datetime
    last_timestamp: datetime
    last_value: float
    sample_count: int
    usual_minimum: float | UnsetType | None = UNSET
    usual_maximum: float | UnsetType | None = UNSET


class EquipmentDetails(Equipment, frozen=True, rename="camel", kw_only=True):
    """One piece of equipment; its sampleCount is exact as of `asOf`, but in `staleRanges`."""

    as_of: datetime
    stale_ranges: list[StaleRange]


class EquipmentPage(Struct, frozen=True, rename="camel"):
    """Equipment in order of its id, exact as of `asOf`, but in `staleRanges`.

    `nextCursor` is null on the last page.
    """

    items: list[Equipment]
    as_of: datetime
    stale_ranges: list[StaleRange]
    next_cursor: str | None
