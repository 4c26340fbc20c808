"""From the parameters of a request to a LatestQuery."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.http.equipment_filter import ALL_EQUIPMENT, EquipmentFilter, parse_equipment_filter
from api.http.query_parameters import Parameters
from api.latest.parameters import CURSOR, LIMIT, PARAMETERS


@dataclass(frozen=True, slots=True)
class LatestQuery:
    """The latest readings of equipment whose ids come after `after`."""

    equipment: EquipmentFilter
    after: str
    limit: int


def parse_latest_query(pairs: Sequence[tuple[str, str]]) -> LatestQuery:
    """The query of a query string. Raises InvalidRequestError."""
    parameters = Parameters(pairs, PARAMETERS)
    query = LatestQuery(
        equipment=parameters.attempt(lambda: parse_equipment_filter(parameters), ALL_EQUIPMENT),
        after=parameters.read(CURSOR).equipment_id,
        limit=parameters.read(LIMIT),
    )
    parameters.check()
    return query
