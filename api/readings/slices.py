"""Many rows handled a few at a time: other requests run in between."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

# A millisecond of work, or two.
SLICE_ROWS = 1_000

Row = TypeVar("Row")


async def in_slices(rows: Sequence[Row]) -> AsyncIterator[tuple[int, Sequence[Row]]]:
    """The rows in order, SLICE_ROWS at a time, each time with the position of the first."""
    for first in range(0, len(rows), SLICE_ROWS):
        await asyncio.sleep(0)
        yield first, rows[first : first + SLICE_ROWS]
