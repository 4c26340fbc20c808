"""The OpenAPI operation: the handler parses query string and header itself."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.exports.formats import MEDIA_TYPES, Format
from api.exports.parameters import PARAMETERS
from api.openapi.parameters import openapi_parameters


@dataclass
class ExportOperation(Operation):
    """The operation with its parameters and its formats."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = openapi_parameters(PARAMETERS)
        response = self.responses["200"] if self.responses else None
        if isinstance(response, OpenAPIResponse) and response.content is not None:
            for name in (Format.NDJSON, Format.CSV, Format.PARQUET, Format.ARROW):
                schema = Schema(type=OpenAPIType.STRING, content_media_type=MEDIA_TYPES[name])
                response.content[MEDIA_TYPES[name]] = OpenAPIMediaType(schema=schema)
