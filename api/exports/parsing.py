"""From the parameters of a request to an export query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from api.exports.formats import Format, accepted_format
from api.http.equipment_filter import ALL_EQUIPMENT, EquipmentFilter, parse_equipment_filter
from api.http.pagination import StorableText, cursor_parser
from api.http.query_parameters import Parameters, enum_parser, integer_parser, invalid_parameter
from api.http.time_ranges import AFTER_LATEST, optional_time_range
from core.readings import EARLIEST
from core.time import TimeRange

PARAMETERS = ("from", "to", "equipmentId", "format", "limit", "cursor")
PAGE_PARAMETERS = ("limit", "cursor")
MAX_LIMIT = 10_000
DEFAULT_LIMIT = 1_000
ALL_TIME = TimeRange(EARLIEST, AFTER_LATEST)


class Position(Struct, frozen=True, array_like=True):
    """The key of a reading, in the order of an export."""

    timestamp: datetime
    equipment_id: StorableText


BEGINNING = Position(EARLIEST, "")


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """The readings of equipment in a time range that come after a position."""

    time_range: TimeRange
    equipment: EquipmentFilter
    format: Format
    limit: int
    after: Position


def parse_export_query(pairs: Sequence[tuple[str, str]], accept: str) -> ExportQuery:
    """The query by query string and header. Raises InvalidRequestError or NotAcceptableError."""
    parameters = Parameters(pairs, PARAMETERS, repeatable={"equipmentId"})
    given_format = parameters.read("format", enum_parser(Format), Format.JSON)
    query = ExportQuery(
        time_range=parameters.attempt(lambda: optional_time_range(parameters), ALL_TIME),
        equipment=parameters.attempt(lambda: parse_equipment_filter(parameters), ALL_EQUIPMENT),
        format=given_format if parameters.all("format") else accepted_format(accept),
        limit=parameters.read("limit", integer_parser(1, MAX_LIMIT), DEFAULT_LIMIT),
        after=parameters.read("cursor", cursor_parser(Position), BEGINNING),
    )
    if query.format is not Format.JSON:
        parameters.attempt(lambda: _require_no_page(parameters), None)
    parameters.check()
    return query


def _require_no_page(parameters: Parameters) -> None:
    for name in PAGE_PARAMETERS:
        if parameters.all(name):
            raise invalid_parameter(name, "is of pages, and only json comes in pages")
