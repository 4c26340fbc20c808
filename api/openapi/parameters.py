"""What the OpenAPI document says of handlers that parse the query string and send files."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType

from api.http.query_parameters import QueryParameter


def operation_with(
    declared: Iterable[QueryParameter[Any]], *others: Parameter, media_types: Iterable[str] = ()
) -> type[Operation]:
    """A class of operations with these parameters, which the handler's signature does not show.

    Beside what the handler returns, a file of one of the media types may be the response.
    """
    parameters = [*openapi_parameters(declared), *others]
    files = {media_type: _file_of(media_type) for media_type in media_types}

    @dataclass
    class OperationWithParameters(Operation):
        """An operation with the parameters and files."""

        def __post_init__(self) -> None:
            """Declare them."""
            self.parameters = list(parameters)
            response = self.responses["200"] if self.responses else None
            if isinstance(response, OpenAPIResponse) and response.content is not None:
                response.content.update(files)

    return OperationWithParameters


def _file_of(media_type: str) -> OpenAPIMediaType:
    return OpenAPIMediaType(Schema(type=OpenAPIType.STRING, content_media_type=media_type))


def openapi_parameters(declared: Iterable[QueryParameter[Any]]) -> list[Parameter | Reference]:
    """The parameters as the document describes them."""
    return [_openapi_parameter(parameter) for parameter in declared]


def _openapi_parameter(declared: QueryParameter[Any]) -> Parameter:
    comma_separated = declared.schema.type is OpenAPIType.ARRAY and not declared.repeatable
    return Parameter(
        name=declared.name,
        param_in="query",
        schema=declared.schema,
        style="form" if comma_separated else None,
        explode=False if comma_separated else None,
        description=declared.description,
    )
