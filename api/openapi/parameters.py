"""Parameters as the reference shows them, where handlers read the query string themselves."""

from collections.abc import Iterable

from litestar.openapi.spec import Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.equipment.choice import MAX_EQUIPMENT, PREFIX_MARK

TEXT = Schema(type=OpenAPIType.STRING)
MOMENT = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME)


def one_of(names: Iterable[str]) -> Schema:
    """One of these texts."""
    return Schema(type=OpenAPIType.STRING, enum=list(names))


def list_of(items: Schema, at_most: int) -> Schema:
    """Such items, one at least."""
    return Schema(type=OpenAPIType.ARRAY, items=items, min_items=1, max_items=at_most)


def query(name: str, schema: Schema, description: str) -> Parameter:
    """A parameter of the query string."""
    return Parameter(name=name, param_in="query", schema=schema, description=description)


def limit(at_most: int, description: str) -> Parameter:
    """How many items a page has at most."""
    return query("limit", Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=at_most), description)


EQUIPMENT = query(
    "equipmentId",
    list_of(TEXT, MAX_EQUIPMENT),
    f"May be repeated; a trailing {PREFIX_MARK} makes it a prefix. None: all.",
)
CURSOR = query("cursor", TEXT, "The nextCursor of the page before.")
