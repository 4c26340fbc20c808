from datetime import datetime

from msgspec import UNSET, Struct, UnsetType, field

from api.aggregates.resolutions import Resolution
from api.http.stale_ranges import StaleRange


class Item(Struct, frozen=True, rename="camel", gc=False):
    """One equipment's bucket; intervalStart is its start in Unix seconds.

    With a time zone `seconds` is its length; with compare `compared` is its counterpart, null if
    that has no readings. Without equipmentId it is of all chosen equipment; statistics that were
    not requested are left out. Without samples it fills a gap, and its total is null.
    """

    equipment_id: str | UnsetType = UNSET
    interval_start: int = 0  # always set: a default must follow a default
    total_value: float | UnsetType | None = UNSET
    sample_count: int | UnsetType = UNSET
    average: float | UnsetType | None = UNSET
    minimum: float | UnsetType | None = UNSET
    maximum: float | UnsetType | None = UNSET
    first: float | UnsetType | None = UNSET
    last: float | UnsetType | None = UNSET
    range: float | UnsetType | None = UNSET
    seconds: int | UnsetType = UNSET
    compared: "Item | UnsetType | None" = UNSET


class Earlier(Struct, frozen=True, rename="camel", kw_only=True):
    """The earlier range of a comparison."""

    average: float | None
    total_count: int
    start: datetime = field(name="from")
    end: datetime = field(name="to")
    stale_ranges: list[StaleRange]


class Aggregates(Struct, frozen=True, rename="camel", kw_only=True):
    """The buckets that start in a range, exact as of `asOf` outside of `staleRanges`.

    `average` and `totalCount` are of the whole range on every page. `nextCursor` is left out where
    the response is not a page, and null on the last one.
    """

    average: float | None
    total_count: int
    items: list[Item]
    as_of: datetime
    interval: str | UnsetType = UNSET
    resolution: Resolution
    tz: str | UnsetType = UNSET
    start: datetime = field(name="from")
    end: datetime = field(name="to")
    stale_ranges: list[StaleRange]
    compared: Earlier | UnsetType = UNSET
    next_cursor: str | UnsetType | None = UNSET
