"""Query parameters in the OpenAPI document, where handlers parse the query string themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import Operation, Parameter, Reference
from litestar.openapi.spec.enums import OpenAPIType

from api.http.query_parameters import QueryParameter


def operation_with(declared: Iterable[QueryParameter[Any]], *others: Parameter) -> type[Operation]:
    """A class of operations with these parameters, which the handler's signature does not show."""
    parameters = [*openapi_parameters(declared), *others]

    @dataclass
    class OperationWithParameters(Operation):
        """An operation with the parameters."""

        def __post_init__(self) -> None:
            """Declare them."""
            self.parameters = list(parameters)

    return OperationWithParameters


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
