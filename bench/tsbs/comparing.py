"""Whether two systems gave the same answer."""

from collections.abc import Iterable
from math import isclose

from bench.tsbs.system import Row

# Values are exact and times are whole seconds; averages may be divided in another order.
RELATIVE_TOLERANCE = 1e-9


def difference(expected: Iterable[Row], found: Iterable[Row]) -> str | None:
    """In which way the rows differ, whatever their order; None if they do not."""
    first, second = sorted(expected), sorted(found)
    if len(first) != len(second):
        return f"{len(second):,} rows, not {len(first):,}"
    for one, other in zip(first, second, strict=True):
        if not _same(one, other):
            return f"{other}, not {one}"
    return None


def _same(one: Row, other: Row) -> bool:
    return one[:2] == other[:2] and isclose(one[2], other[2], rel_tol=RELATIVE_TOLERANCE)
