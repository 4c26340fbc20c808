from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import asdict

from api.equipment.description import parse_changes
from api.equipment.errors import EquipmentNotFoundError
from api.equipment.parameters import Cursor
from api.equipment.parsing import EquipmentQuery
from api.equipment.repository import EquipmentRepository
from api.equipment.schemas import EquipmentDetails, EquipmentPage
from api.http.equipment_filter import EquipmentFilter
from api.http.pagination import encode_cursor


class EquipmentService:
    """Equipment and its metadata."""

    def __init__(self, repository: EquipmentRepository) -> None:
        self._repository = repository

    async def page(self, query: EquipmentQuery, now: datetime) -> EquipmentPage:
        """The first equipment of the query, as much as its limit, in order of its id."""
        fetched = await self._repository.fetch(query.equipment, query.after, query.limit + 1)
        items = fetched.items[: query.limit]
        has_more = len(fetched.items) > query.limit
        cursor = encode_cursor(Cursor(items[-1].equipment_id)) if has_more else None
        return EquipmentPage(items, now, fetched.stale_ranges, cursor)

    async def get(self, ids: Sequence[str], now: datetime) -> EquipmentDetails:
        """The equipment with the first of the ids that there is. Raises EquipmentNotFoundError."""
        fetched = await self._repository.fetch(EquipmentFilter(tuple(ids), ()), "", len(ids))
        if not fetched.items:
            raise EquipmentNotFoundError("No equipment with this id has sent a reading.")
        item = min(fetched.items, key=lambda item: ids.index(item.equipment_id))
        return EquipmentDetails(**asdict(item), as_of=now, stale_ranges=fetched.stale_ranges)

    async def describe(self, ids: Sequence[str], patch: bytes, now: datetime) -> EquipmentDetails:
        """The equipment after the merge patch is applied to its metadata.

        Raises MalformedJsonError, InvalidRequestError or EquipmentNotFoundError.
        """
        changes = parse_changes(patch)
        equipment_id = (await self.get(ids, now)).equipment_id
        if changes:
            await self._repository.save_metadata(equipment_id, changes)
        return await self.get([equipment_id], now)
