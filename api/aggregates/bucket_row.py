"""The columns of a bucket row, in the one order of all aggregate statements and of JSON items."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple, Self, TypeAlias

from asyncpg import Record

FillableValues: TypeAlias = tuple[float | None, ...]  # of the columns FILLABLE


class BucketRow(NamedTuple):
    """A bucket as the aggregate statements select it: the fields are their columns, in order.

    Without an equipment id it is of all chosen equipment; `interval_start` is in Unix seconds.
    """

    equipment_id: str | None
    interval_start: int
    total_value: float | None
    sample_count: int
    average: float | None
    minimum: float | None
    maximum: float | None
    first: float | None
    last: float | None

    @classmethod
    def without_samples(
        cls, equipment_id: str | None, interval_start: int, values: FillableValues
    ) -> Self:
        """The bucket of a gap with these values."""
        return cls(equipment_id, interval_start, None, 0, *values)


# The columns that do not add up over samples, so that a bucket of a gap can have values for them.
FILLABLE = BucketRow._fields[BucketRow._fields.index("average") :]

# Rows stay as they are fetched, for there may be tens of thousands: only the order is certain.
AnyBucketRow: TypeAlias = Record | BucketRow | tuple[Any, ...]


def getter(*columns: str) -> Callable[[AnyBucketRow], Any]:
    """A function that returns the value of a column, or a tuple of those of several."""
    return itemgetter(*map(BucketRow._fields.index, columns))


get_start = getter("interval_start")
get_key = getter("equipment_id", "interval_start")
get_fillable: Callable[[AnyBucketRow], FillableValues] = getter(*FILLABLE)
get_position = getter("interval_start", "equipment_id")  # the order of a page
