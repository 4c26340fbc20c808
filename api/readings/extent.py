"""Which timestamps and days many readings have, as the ledgers need it."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from api.readings.slices import in_slices
from core.ledger import MAX_CHANGES
from core.readings import ReadingRow
from core.time import chunk_end


@dataclass(slots=True)
class Extent:
    """The first and last timestamp in each chunk, by its end; which equipment has which days."""

    by_chunk: dict[datetime, tuple[datetime, datetime]] = field(default_factory=dict)
    days: set[date] = field(default_factory=set)
    days_of_equipment: set[tuple[str, date]] = field(default_factory=set)

    def add(self, readings: Sequence[ReadingRow]) -> None:
        """Extend it by some more readings."""
        for end, first_ts, last_ts in _chunks(sorted({ts for _, ts, _ in readings})):
            known_first, known_last = self.by_chunk.get(end, (first_ts, last_ts))
            self.by_chunk[end] = min(first_ts, known_first), max(last_ts, known_last)
        pairs = {(equipment_id, ts.date()) for equipment_id, ts, _ in readings}
        self.days.update(day for _, day in pairs)
        if len(self.days_of_equipment) <= MAX_CHANGES:
            self.days_of_equipment |= pairs

    @property
    def changed(self) -> list[tuple[str, date]]:
        """Each equipment with each day, of more than MAX_CHANGES each day of all equipment."""
        if len(self.days_of_equipment) > MAX_CHANGES:
            return [("", day) for day in self.days]
        return list(self.days_of_equipment)

    @property
    def ts_bounds(self) -> dict[str, datetime]:
        """The first and the last timestamp of all."""
        firsts, lasts = zip(*self.by_chunk.values(), strict=True)
        return {"first_ts": min(firsts), "last_ts": max(lasts)}

    @property
    def ts_bounds_by_chunk(self) -> dict[str, list[datetime]]:
        """The first and the last timestamp of each chunk, in order of time."""
        firsts, lasts = zip(*sorted(self.by_chunk.values()), strict=True)
        return {"first_ts": list(firsts), "last_ts": list(lasts)}


async def extent_of(readings: Sequence[ReadingRow]) -> Extent:
    """The extent of at least one reading."""
    extent = Extent()
    async for _, some in in_slices(readings):
        extent.add(some)
    return extent


def _chunks(timestamps: Sequence[datetime]) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Of each chunk that has any of the ordered timestamps: its end, the first and the last."""
    start = 0
    while start < len(timestamps):
        end = chunk_end(timestamps[start])
        after = bisect_left(timestamps, end, lo=start)
        yield end, timestamps[start], timestamps[after - 1]
        start = after
