"""From the parameters of a request to an EquipmentQuery."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.equipment.parameters import (
    CURSOR,
    DETAILS_PARAMETERS,
    INCLUDE,
    LIMIT,
    PARAMETERS,
    Include,
)
from api.http.equipment_filter import ALL_EQUIPMENT, EquipmentFilter, parse_equipment_filter
from api.http.query_parameters import Parameters


@dataclass(frozen=True, slots=True)
class EquipmentQuery:
    """Equipment whose ids come after `after`."""

    equipment: EquipmentFilter
    after: str
    limit: int
    include: Include | None


def parse_equipment_query(pairs: Sequence[tuple[str, str]]) -> EquipmentQuery:
    """The query of a query string. Raises InvalidRequestError."""
    parameters = Parameters(pairs, PARAMETERS)
    query = EquipmentQuery(
        equipment=parameters.attempt(lambda: parse_equipment_filter(parameters), ALL_EQUIPMENT),
        after=parameters.read(CURSOR).equipment_id,
        limit=parameters.read(LIMIT),
        include=parameters.read(INCLUDE),
    )
    parameters.check()
    return query


def parse_details_query(pairs: Sequence[tuple[str, str]]) -> Include | None:
    """What one piece of equipment is requested with. Raises InvalidRequestError."""
    parameters = Parameters(pairs, DETAILS_PARAMETERS)
    include = parameters.read(INCLUDE)
    parameters.check()
    return include
