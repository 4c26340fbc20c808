from itertools import starmap

from api.http.equipment_filter import EquipmentFilter
from api.latest.schemas import LatestReading
from core.database import Pool, borrowed
from core.queries import all_rows, queries

# To add up more readings that are newer than partial_hours would take longer than to look up 1,000
# pieces of equipment by the index.
MAX_NEWEST = 10_000


class LatestRepository:
    """The latest readings in the database."""

    def __init__(self, pool: Pool, max_newest: int = MAX_NEWEST) -> None:
        self._pool = pool
        self._max_newest = max_newest

    async def fetch(self, selected: EquipmentFilter, after: str, limit: int) -> list[LatestReading]:
        """At most `limit` readings, of the selected equipment whose ids come after `after`."""
        async with borrowed(self._pool) as connection:
            rows = await all_rows(
                queries().latest_readings,
                connection,
                ids=selected.ids_without_prefix,
                prefixes=list(selected.prefixes),
                patterns=selected.like_patterns,
                after=after,
                row_limit=limit,
                max_newest=self._max_newest,
            )
        return list(starmap(LatestReading, rows))
