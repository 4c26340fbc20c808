from datetime import datetime

from msgspec.structs import asdict

from api.equipment.choice import EquipmentChoice
from api.equipment.description import parse_changes
from api.equipment.errors import EquipmentNotFoundError
from api.equipment.parsing import Cursor, Listing
from api.equipment.repository import EquipmentRepository
from api.equipment.schemas import EquipmentDetails, EquipmentPage
from api.http.pagination import encode_cursor


class EquipmentService:
    """Tells what equipment there is, and keeps what people say of it."""

    def __init__(self, repository: EquipmentRepository) -> None:
        self._repository = repository

    async def page(self, asked: Listing, now: datetime) -> EquipmentPage:
        """The equipment that was asked for, in order of its id."""
        found = await self._repository.find(asked.chosen, asked.after, asked.limit + 1)
        items = found.items[: asked.limit]
        more = len(found.items) > asked.limit
        cursor = encode_cursor(Cursor(items[-1].equipment_id)) if more else None
        return EquipmentPage(items, now, found.stale, cursor)

    async def get(self, equipment_id: str, now: datetime) -> EquipmentDetails:
        """One piece of equipment. Raises EquipmentNotFoundError."""
        found = await self._repository.find(EquipmentChoice((equipment_id,), ()), "", 1)
        if not found.items:
            raise EquipmentNotFoundError("No equipment with this id has sent a reading.")
        (item,) = found.items
        return EquipmentDetails(**asdict(item), as_of=now, stale_ranges=found.stale)

    async def describe(self, equipment_id: str, patch: bytes, now: datetime) -> EquipmentDetails:
        """The equipment with what the merge patch says of it.

        Raises MalformedJsonError, InvalidRequestError or EquipmentNotFoundError.
        """
        changes = parse_changes(patch)
        await self.get(equipment_id, now)
        if changes:
            await self._repository.describe(equipment_id, changes)
        return await self.get(equipment_id, now)
