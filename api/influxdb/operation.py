from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.http.parsers import parse_text
from api.http.query_parameters import QueryParameter
from api.openapi.parameters import openapi_parameters, operation_with

STATEMENTS_SCHEMA = Schema(type=OpenAPIType.STRING, examples=['CREATE DATABASE "telegraf"'])

VERBOSE = QueryParameter(
    name="verbose",
    parse=parse_text,
    default="",
    schema=Schema(type=OpenAPIType.BOOLEAN, default=False),
    description="Whether the response is 200 with a body.",
)
STATEMENTS = QueryParameter(
    name="q",
    parse=parse_text,
    default="",
    schema=STATEMENTS_SCHEMA,
    description="Statements, separated by semicolons. Any other parameter is ignored.",
)

PingOperation = operation_with([VERBOSE])
QueryOperation = operation_with([STATEMENTS])


@dataclass
class QueryFormOperation(Operation):
    """The operation with the parameter in the query string or in a form."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = openapi_parameters([STATEMENTS])
        form = Schema(type=OpenAPIType.OBJECT, properties={"q": STATEMENTS_SCHEMA})
        content = {"application/x-www-form-urlencoded": OpenAPIMediaType(form)}
        self.request_body = RequestBody(content=content)
