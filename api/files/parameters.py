"""The parameters that select a representation."""

from typing import Any

from api.files.formats import Format, Representation, accepted_format
from api.http.csv_dialects import CSV_DIALECT
from api.http.parsers import invalid_parameter
from api.http.query_parameters import Parameters, QueryParameter, enum_parameter

FORMAT = enum_parameter(
    "format", Format, "Counts before Accept; json if neither says.", Format.JSON
)


def parse_representation(
    parameters: Parameters, accept: str, *of_pages: QueryParameter[Any]
) -> Representation:
    """The representation by FORMAT, CSV_DIALECT and the header Accept.

    Parameters `of_pages` and a dialect are refused where the format knows none. Raises
    NotAcceptableError; invalid parameters are collected in `parameters`.
    """
    given = parameters.read(FORMAT)
    chosen = given if parameters.texts(FORMAT) else accepted_format(accept)
    if chosen is not Format.JSON:
        parameters.attempt(lambda: _require_no_page(parameters, of_pages), None)
    if chosen is not Format.CSV:
        parameters.attempt(lambda: _require_no_dialect(parameters), None)
    return Representation(chosen, parameters.read(CSV_DIALECT))


def _require_no_page(parameters: Parameters, of_pages: tuple[QueryParameter[Any], ...]) -> None:
    for parameter in of_pages:
        if parameters.texts(parameter):
            raise invalid_parameter(parameter.name, "is of pages, and only json comes in pages")


def _require_no_dialect(parameters: Parameters) -> None:
    if parameters.texts(CSV_DIALECT):
        raise invalid_parameter(CSV_DIALECT.name, "is of csv, which is not the format asked for")
