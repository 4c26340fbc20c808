from dataclasses import dataclass
from typing import cast

from litestar.datastructures import ResponseHeader
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.http.parsers import invalid_parameter
from api.http.query_parameters import QueryParameter, enum_parameter
from api.line_protocol.responses import SKIPPED_FIELDS
from api.line_protocol.service import Precision
from api.openapi.parameters import openapi_parameters

DESCRIPTION = (
    "Every numeric field becomes a reading; good ones are stored even if others are refused, which "
    "is reported as InfluxDB does: 400, partial write. Strings are not stored, but counted in the "
    f"header {SKIPPED_FIELDS}. Any other parameter is ignored."
)
HEADERS = [
    ResponseHeader(
        name=SKIPPED_FIELDS,
        value="1",
        description="How many fields are strings, which are not stored; only if there are any.",
        documentation_only=True,
    )
]
BOOLEANS = {"true": True, "false": False}


def parse_boolean(name: str, text: str) -> bool:
    """True or false, as InfluxDB's clients write it. Raises InvalidRequestError."""
    value = BOOLEANS.get(text.lower())
    if value is None:
        raise invalid_parameter(name, "must be true or false")
    return value


PRECISION = enum_parameter(
    "precision",
    Precision,
    "The unit of timestamps.",
    Precision.NANOSECONDS,
    documents_default=True,
)
ACCEPT_PARTIAL = QueryParameter(
    name="accept_partial",
    parse=parse_boolean,
    default=True,
    schema=Schema(type=OpenAPIType.BOOLEAN, default=True),
    description="Whether good fields are stored if others are refused.",
)


@dataclass
class WriteOperation(Operation):
    """The operation with its body and its one parameter; any other parameter is ignored."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = openapi_parameters([PRECISION])
        text = OpenAPIMediaType(Schema(type=OpenAPIType.STRING))
        self.request_body = RequestBody(content={"text/plain": text}, required=True)
        self._response("204").content = None
        refusals = self._response("400").content or {}
        refusals["application/json"] = OpenAPIMediaType(Schema(type=OpenAPIType.OBJECT))

    def _response(self, status: str) -> OpenAPIResponse:
        """One of the responses, of which none is a reference to another."""
        return cast("OpenAPIResponse", (self.responses or {})[status])


@dataclass
class WriteOperation3(WriteOperation):
    """The same with the parameter that InfluxDB 3 adds."""

    def __post_init__(self) -> None:
        """Declare that too."""
        super().__post_init__()
        self.parameters = openapi_parameters([PRECISION, ACCEPT_PARTIAL])
