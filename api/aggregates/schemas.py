from datetime import datetime
from typing import Literal

from msgspec import Struct, field


class Item(Struct, frozen=True, rename="camel"):
    """One equipment's hour; intervalStart is its start in Unix seconds, at a full hour of UTC."""

    equipment_id: str
    interval_start: int
    total_value: float
    sample_count: int
    average: float
    minimum: float
    maximum: float
    first: float
    last: float


class StaleRange(Struct, frozen=True):
    """Late rows of this range are stored and may be missing from the items."""

    start: datetime = field(name="from")
    end: datetime = field(name="to")


class Aggregates(Struct, frozen=True, rename="camel", kw_only=True):
    """The items of a window, exact as of `asOf` outside of `staleRanges`."""

    average: float | None
    total_count: int
    items: list[Item]
    as_of: datetime
    interval: str
    resolution: Literal["1h"]
    start: datetime = field(name="from")
    end: datetime = field(name="to")
    stale_ranges: list[StaleRange]
