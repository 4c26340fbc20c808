"""From the parameters of a request to an export query."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.exports.parameters import CURSOR, LIMIT, PARAMETERS, Position
from api.files.formats import Representation
from api.files.parameters import parse_representation
from api.http.equipment_filter import ALL_EQUIPMENT, EquipmentFilter, parse_equipment_filter
from api.http.query_parameters import Parameters
from api.http.time_ranges import FROM, TO, optional_time_range
from core.time import TimeRange

ALL_TIME = TimeRange(FROM.default, TO.default)


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """The readings of equipment in a time range that come after a position."""

    time_range: TimeRange
    equipment: EquipmentFilter
    representation: Representation
    limit: int
    after: Position


def parse_export_query(pairs: Sequence[tuple[str, str]], accept: str) -> ExportQuery:
    """The query by query string and header. Raises InvalidRequestError or NotAcceptableError."""
    parameters = Parameters(pairs, PARAMETERS)
    query = ExportQuery(
        time_range=parameters.attempt(lambda: optional_time_range(parameters), ALL_TIME),
        equipment=parameters.attempt(lambda: parse_equipment_filter(parameters), ALL_EQUIPMENT),
        representation=parse_representation(parameters, accept, LIMIT, CURSOR),
        limit=parameters.read(LIMIT),
        after=parameters.read(CURSOR),
    )
    parameters.check()
    return query
