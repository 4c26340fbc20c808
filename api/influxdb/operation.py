from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.openapi.parameters import query_parameter

STATEMENTS = Schema(type=OpenAPIType.STRING, examples=['CREATE DATABASE "telegraf"'])


@dataclass
class PingOperation(Operation):
    """The operation with its parameter."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        flag = Schema(type=OpenAPIType.BOOLEAN, default=False)
        self.parameters = [query_parameter("verbose", flag, "Whether to answer 200 with a body.")]


@dataclass
class QueryOperation(Operation):
    """The operation with its parameter; any other parameter is ignored."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [query_parameter("q", STATEMENTS, "Statements, divided by semicolons.")]


@dataclass
class QueryFormOperation(QueryOperation):
    """The same, or the parameter in a form."""

    def __post_init__(self) -> None:
        """Declare the form."""
        super().__post_init__()
        form = Schema(type=OpenAPIType.OBJECT, properties={"q": STATEMENTS})
        content = {"application/x-www-form-urlencoded": OpenAPIMediaType(form)}
        self.request_body = RequestBody(content=content)
