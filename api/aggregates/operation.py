"""The parameters as the reference shows them: the handlers read the query string themselves."""

from collections.abc import Iterable
from dataclasses import dataclass

from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.aggregates.parsing import AUTO, DEFAULT_LIMIT, MAX_LIMIT
from api.aggregates.questions import WINDOWS, Grouping, Statistic
from api.aggregates.resolutions import REACHES
from api.equipment.choice import MAX_EQUIPMENT, PREFIX_MARK

TEXT = Schema(type=OpenAPIType.STRING)
MOMENT = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME)


def _one_of(names: Iterable[str]) -> Schema:
    return Schema(type=OpenAPIType.STRING, enum=list(names))


def _list_of(items: Schema, at_most: int) -> Schema:
    return Schema(type=OpenAPIType.ARRAY, items=items, min_items=1, max_items=at_most)


@dataclass
class AggregatesOperation(Operation):
    """The operation with its parameters."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [
            _query("interval", _one_of(WINDOWS), "How far the window reaches back from now."),
            _query("from", MOMENT, "Instead of interval: the first moment, with an offset."),
            _query("to", MOMENT, "The first moment after the range that begins at from."),
            _query(
                "equipmentId",
                _list_of(TEXT, MAX_EQUIPMENT),
                f"May be repeated; a trailing {PREFIX_MARK} makes it a prefix. None: all.",
            ),
            _query(
                "resolution",
                _one_of((AUTO, *REACHES)),
                "The width of a bucket; 1h for a window, auto for a range if not said.",
            ),
            _query("tz", TEXT, "Days and hours begin as in this time zone of the IANA database."),
            _query("groupBy", _one_of(Grouping), "all: every bucket of all chosen equipment."),
            Parameter(
                name="statistics",
                param_in="query",
                schema=_list_of(_one_of(Statistic), len(Statistic)),
                style="form",
                explode=False,
                description="What the items tell, separated by commas.",
            ),
            _query(
                "limit",
                Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=MAX_LIMIT),
                f"Items on a page; {DEFAULT_LIMIT} if not said, all for windows of hours or days.",
            ),
            _query("cursor", TEXT, "The nextCursor of the page before."),
        ]


def _query(name: str, schema: Schema, description: str) -> Parameter:
    return Parameter(name=name, param_in="query", schema=schema, description=description)
