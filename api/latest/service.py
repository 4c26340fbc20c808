from datetime import datetime

from api.http.pagination import encode_cursor
from api.latest.parameters import Cursor
from api.latest.parsing import LatestQuery
from api.latest.repository import LatestRepository
from api.latest.schemas import LatestReadings


class LatestService:
    """The latest readings."""

    def __init__(self, repository: LatestRepository) -> None:
        self._repository = repository

    async def page(self, query: LatestQuery, now: datetime) -> LatestReadings:
        """The first readings of the query, as many as its limit, in order of the ids."""
        found = await self._repository.fetch(query.equipment, query.after, query.limit + 1)
        items = found[: query.limit]
        has_more = len(found) > query.limit
        cursor = encode_cursor(Cursor(items[-1].equipment_id)) if has_more else None
        return LatestReadings(items, now, cursor)
