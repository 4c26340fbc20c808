"""The parameters for the OpenAPI document: the handlers parse the query string themselves."""

from dataclasses import dataclass

from litestar.openapi.spec import Operation, Parameter

from api.aggregates.comparisons import Comparison
from api.aggregates.gapfill import Fill
from api.aggregates.parsing import AUTO, DEFAULT_LIMIT, MAX_LIMIT
from api.aggregates.query import WINDOWS, Grouping, Statistic
from api.aggregates.resolutions import RESOLUTION_LIMITS
from api.openapi.parameters import CURSOR, EQUIPMENT, MOMENT, TEXT, limit, list_of, one_of, query


@dataclass
class AggregatesOperation(Operation):
    """The operation with its parameters."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [
            query("interval", one_of(WINDOWS), "How far the window reaches back from now."),
            query("from", MOMENT, "Instead of interval: the first moment, with an offset."),
            query("to", MOMENT, "The first moment after the range that begins at from."),
            EQUIPMENT,
            query(
                "resolution",
                one_of((AUTO, *RESOLUTION_LIMITS)),
                "The width of a bucket; 1h for a window, auto for a range if not said.",
            ),
            query("tz", TEXT, "Days and hours begin as in this time zone of the IANA database."),
            query("groupBy", one_of(Grouping), "all: every bucket of all chosen equipment."),
            Parameter(
                name="statistics",
                param_in="query",
                schema=list_of(one_of(Statistic), len(Statistic)),
                style="form",
                explode=False,
                description="The statistics in the items, separated by commas.",
            ),
            query(
                "fill",
                one_of(Fill),
                "Buckets without readings: left out, null, or with values from those around them.",
            ),
            query("compare", one_of(Comparison), "Return the same of an earlier range as well."),
            limit(
                MAX_LIMIT,
                f"Items on a page; {DEFAULT_LIMIT} if not said, all for windows of hours or days.",
            ),
            CURSOR,
        ]
