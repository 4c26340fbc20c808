"""From the parameters of a request to an EquipmentQuery."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from api.http.equipment_filter import ALL_EQUIPMENT, EquipmentFilter, parse_equipment_filter
from api.http.pagination import StorableText, cursor_parser
from api.http.query_parameters import Parameters, integer_parser

PARAMETERS = ("equipmentId", "limit", "cursor")
MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100


class Cursor(Struct, frozen=True, array_like=True):
    """The last id of a page."""

    equipment_id: StorableText


@dataclass(frozen=True, slots=True)
class EquipmentQuery:
    """Equipment whose ids come after `after`."""

    equipment: EquipmentFilter
    after: str
    limit: int


def parse_equipment_query(pairs: Sequence[tuple[str, str]]) -> EquipmentQuery:
    """The query of a query string. Raises InvalidRequestError."""
    parameters = Parameters(pairs, PARAMETERS, repeatable={"equipmentId"})
    query = EquipmentQuery(
        equipment=parameters.attempt(lambda: parse_equipment_filter(parameters), ALL_EQUIPMENT),
        after=parameters.read("cursor", cursor_parser(Cursor), Cursor("")).equipment_id,
        limit=parameters.read("limit", integer_parser(1, MAX_LIMIT), DEFAULT_LIMIT),
    )
    parameters.check()
    return query
