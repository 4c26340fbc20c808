"""From the parameters of a request to an export query."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.exports.formats import Format, accepted_format
from api.exports.parameters import CURSOR, FORMAT, LIMIT, PAGE_PARAMETERS, PARAMETERS, Position
from api.http.csv_dialects import CSV_DIALECT, CsvDialect
from api.http.equipment_filter import ALL_EQUIPMENT, EquipmentFilter, parse_equipment_filter
from api.http.parsers import invalid_parameter
from api.http.query_parameters import Parameters
from api.http.time_ranges import FROM, TO, optional_time_range
from core.time import TimeRange

ALL_TIME = TimeRange(FROM.default, TO.default)


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """The readings of equipment in a time range that come after a position."""

    time_range: TimeRange
    equipment: EquipmentFilter
    format: Format
    csv_dialect: CsvDialect
    limit: int
    after: Position


def parse_export_query(pairs: Sequence[tuple[str, str]], accept: str) -> ExportQuery:
    """The query by query string and header. Raises InvalidRequestError or NotAcceptableError."""
    parameters = Parameters(pairs, PARAMETERS)
    given_format = parameters.read(FORMAT)
    query = ExportQuery(
        time_range=parameters.attempt(lambda: optional_time_range(parameters), ALL_TIME),
        equipment=parameters.attempt(lambda: parse_equipment_filter(parameters), ALL_EQUIPMENT),
        format=given_format if parameters.texts(FORMAT) else accepted_format(accept),
        csv_dialect=parameters.read(CSV_DIALECT),
        limit=parameters.read(LIMIT),
        after=parameters.read(CURSOR),
    )
    if query.format is not Format.JSON:
        parameters.attempt(lambda: _require_no_page(parameters), None)
    if query.format is not Format.CSV:
        parameters.attempt(lambda: _require_no_dialect(parameters), None)
    parameters.check()
    return query


def _require_no_page(parameters: Parameters) -> None:
    for parameter in PAGE_PARAMETERS:
        if parameters.texts(parameter):
            raise invalid_parameter(parameter.name, "is of pages, and only json comes in pages")


def _require_no_dialect(parameters: Parameters) -> None:
    if parameters.texts(CSV_DIALECT):
        raise invalid_parameter(CSV_DIALECT.name, "is of csv, which is not the format asked for")
