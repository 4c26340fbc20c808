"""From the parameters of a request to a Listing."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from api.equipment.choice import EVERY_EQUIPMENT, EquipmentChoice, chosen_equipment
from api.http.pagination import StorableText, cursor_of
from api.http.query_parameters import Parameters, whole_number

PARAMETERS = ("equipmentId", "limit", "cursor")
MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100


class Cursor(Struct, frozen=True, array_like=True):
    """The last id of a page."""

    equipment_id: StorableText


@dataclass(frozen=True, slots=True)
class Listing:
    """One request for equipment whose ids come after another."""

    chosen: EquipmentChoice
    after: str
    limit: int


def parse_listing(pairs: Sequence[tuple[str, str]]) -> Listing:
    """What a query string asks. Raises InvalidRequestError."""
    given = Parameters(pairs, PARAMETERS, repeatable={"equipmentId"})
    listing = Listing(
        chosen=given.noted(lambda: chosen_equipment(given), EVERY_EQUIPMENT),
        after=given.read("cursor", cursor_of(Cursor), Cursor("")).equipment_id,
        limit=given.read("limit", whole_number(1, MAX_LIMIT), DEFAULT_LIMIT),
    )
    given.check()
    return listing
