"""The OpenAPI operation: the handler parses query string and header itself."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.exports.formats import MEDIA_TYPES, Format
from api.exports.parsing import DEFAULT_LIMIT, MAX_LIMIT
from api.openapi.parameters import (
    CURSOR,
    EQUIPMENT_ID,
    TIMESTAMP,
    enum_schema,
    limit_parameter,
    query_parameter,
)


@dataclass
class ExportOperation(Operation):
    """The operation with its parameters and its formats."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [
            query_parameter(
                "from", TIMESTAMP, "The first moment, with an offset; the beginning if not said."
            ),
            query_parameter(
                "to", TIMESTAMP, "The first moment after the range; the end if not said."
            ),
            EQUIPMENT_ID,
            query_parameter(
                "format", enum_schema(Format), "Counts before Accept; json if neither says."
            ),
            limit_parameter(MAX_LIMIT, f"Readings on a page of json; {DEFAULT_LIMIT} if not said."),
            CURSOR,
        ]
        response = self.responses["200"] if self.responses else None
        if isinstance(response, OpenAPIResponse) and response.content is not None:
            for name in (Format.NDJSON, Format.CSV, Format.PARQUET, Format.ARROW):
                schema = Schema(type=OpenAPIType.STRING, content_media_type=MEDIA_TYPES[name])
                response.content[MEDIA_TYPES[name]] = OpenAPIMediaType(schema=schema)
