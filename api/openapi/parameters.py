"""Parameters for the OpenAPI document, where handlers parse the query string themselves."""

from collections.abc import Iterable

from litestar.openapi.spec import Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.http.equipment_filter import MAX_EQUIPMENT_IDS, WILDCARD

TEXT = Schema(type=OpenAPIType.STRING)
TIMESTAMP = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME)


def enum_schema(names: Iterable[str]) -> Schema:
    """One of these texts."""
    return Schema(type=OpenAPIType.STRING, enum=list(names))


def array_schema(items: Schema, max_items: int) -> Schema:
    """An array of at least one item."""
    return Schema(type=OpenAPIType.ARRAY, items=items, min_items=1, max_items=max_items)


def query_parameter(name: str, schema: Schema, description: str) -> Parameter:
    """A parameter of the query string."""
    return Parameter(name=name, param_in="query", schema=schema, description=description)


def limit_parameter(maximum: int, description: str) -> Parameter:
    """The maximum number of items on a page."""
    schema = Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=maximum)
    return query_parameter("limit", schema, description)


EQUIPMENT_ID = query_parameter(
    "equipmentId",
    array_schema(TEXT, MAX_EQUIPMENT_IDS),
    f"May be repeated; a trailing {WILDCARD} makes it a prefix. None: all.",
)
CURSOR = query_parameter("cursor", TEXT, "The nextCursor of the page before.")
