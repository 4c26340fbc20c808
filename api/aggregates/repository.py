from datetime import datetime

from api.aggregates.schemas import Item, StaleRange
from core.database import Pool, borrowed
from core.queries import queries


class AggregateRepository:
    """Reads rollups."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def hourly(self, start: datetime, end: datetime) -> tuple[list[Item], list[StaleRange]]:
        """The hours that start in [start, end], in order, and the ranges stale at that moment."""
        async with borrowed(self._pool) as connection:
            rows = [row async for row in queries().hourly_items(connection, start=start, end=end)]
        ranges, *hours = rows
        return (
            [Item(*hour[:9]) for hour in hours],
            [StaleRange(entry.lower, entry.upper) for entry in ranges["stale"] or ()],
        )
