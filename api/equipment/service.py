from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import asdict, replace

from api.equipment.description import parse_changes
from api.equipment.errors import EquipmentNotFoundError
from api.equipment.parameters import Cursor, Include
from api.equipment.parsing import EquipmentQuery
from api.equipment.repository import EquipmentRepository
from api.equipment.schemas import Equipment, EquipmentDetails, EquipmentPage
from api.equipment.usual_range import UsualRange
from api.http.equipment_filter import EquipmentFilter
from api.http.pagination import encode_cursor

NOT_KNOWN = UsualRange(None, None)


class EquipmentService:
    """Equipment and its metadata."""

    def __init__(self, repository: EquipmentRepository) -> None:
        self._repository = repository

    async def page(self, query: EquipmentQuery, now: datetime) -> EquipmentPage:
        """The first equipment of the query, as much as its limit, in order of its id."""
        fetched = await self._repository.fetch(query.equipment, query.after, query.limit + 1)
        items = await self._including(fetched.items[: query.limit], query.include)
        has_more = len(fetched.items) > query.limit
        cursor = encode_cursor(Cursor(items[-1].equipment_id)) if has_more else None
        return EquipmentPage(items, now, fetched.stale_ranges, cursor)

    async def get(
        self, ids: Sequence[str], now: datetime, include: Include | None = None
    ) -> EquipmentDetails:
        """The equipment with the first of the ids that there is. Raises EquipmentNotFoundError."""
        fetched = await self._repository.fetch(EquipmentFilter(tuple(ids), ()), "", len(ids))
        if not fetched.items:
            raise EquipmentNotFoundError("No equipment with this id has sent a reading.")
        item = min(fetched.items, key=lambda item: ids.index(item.equipment_id))
        (item,) = await self._including([item], include)
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

    async def _including(
        self, items: Sequence[Equipment], include: Include | None
    ) -> list[Equipment]:
        if include is None:
            return list(items)
        ranges = await self._repository.usual_ranges(items)
        usual = [ranges.get(item.equipment_id, NOT_KNOWN) for item in items]
        return [
            replace(item, usual_minimum=each.minimum, usual_maximum=each.maximum)
            for item, each in zip(items, usual, strict=True)
        ]
