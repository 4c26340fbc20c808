"""Many readings in the one order in which every writer locks them, a slice at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import TypeAlias

from api.readings.slices import SLICE_ROWS, in_slices
from core.readings import ReadingRow

# Equipment id, timestamp, position and value: in order of the key, those of one key as they came.
Entry: TypeAlias = tuple[str, datetime, int, float]


@dataclass(slots=True)
class DistinctKeys:
    """The last of the readings of each key, and how many of the others the next one changed."""

    entries: list[Entry] = field(default_factory=list)
    superseded: int = 0

    def add(self, entries: Sequence[Entry]) -> None:
        """Add readings, which come after those that are there in key order."""
        for entry in entries:
            if self.entries and self.entries[-1][:2] == entry[:2]:
                self.superseded += self.entries[-1][3] != entry[3]
                self.entries[-1] = entry
            else:
                self.entries.append(entry)

    def take(self) -> list[Entry]:
        """Remove and return the first SLICE_ROWS; none if those may include the last key."""
        if len(self.entries) <= SLICE_ROWS:
            return []
        taken, self.entries = self.entries[:SLICE_ROWS], self.entries[SLICE_ROWS:]
        return taken


async def in_key_order(readings: Sequence[ReadingRow]) -> AsyncIterator[list[Entry]]:
    """The readings in order, SLICE_ROWS at a time."""
    runs = [_sorted(first, some) async for first, some in in_slices(readings)]
    merged = merge(*map(_drained, runs))
    while entries := list(islice(merged, SLICE_ROWS)):
        yield entries
        await asyncio.sleep(0)


def _drained(run: list[Entry]) -> Iterator[Entry]:
    """Its entries, each of which it has no more: freed all at once, they would take too long."""
    run.reverse()
    while run:
        yield run.pop()


def _sorted(first: int, readings: Sequence[ReadingRow]) -> list[Entry]:
    return sorted(
        (equipment_id, ts, position, value)
        for position, (equipment_id, ts, value) in enumerate(readings, first)
    )
