"""The parameters for the OpenAPI document: the handlers parse the query string themselves."""

from dataclasses import dataclass

from litestar.openapi.spec import Operation, Parameter

from api.aggregates.comparisons import Comparison
from api.aggregates.gapfill import Fill
from api.aggregates.parsing import AUTO, DEFAULT_LIMIT, MAX_LIMIT
from api.aggregates.query import WINDOWS, Grouping, Statistic
from api.aggregates.resolutions import RESOLUTION_LIMITS
from api.openapi.parameters import (
    CURSOR,
    EQUIPMENT_ID,
    TEXT,
    TIMESTAMP,
    array_schema,
    enum_schema,
    limit_parameter,
    query_parameter,
)


@dataclass
class AggregatesOperation(Operation):
    """The operation with its parameters."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [
            query_parameter(
                "interval", enum_schema(WINDOWS), "How far the window reaches back from now."
            ),
            query_parameter(
                "from", TIMESTAMP, "Instead of interval: the first moment, with an offset."
            ),
            query_parameter(
                "to", TIMESTAMP, "The first moment after the range that begins at from."
            ),
            EQUIPMENT_ID,
            query_parameter(
                "resolution",
                enum_schema((AUTO, *RESOLUTION_LIMITS)),
                "The width of a bucket; 1h for a window, auto for a range if not said.",
            ),
            query_parameter(
                "tz", TEXT, "Days and hours begin as in this time zone of the IANA database."
            ),
            query_parameter(
                "groupBy", enum_schema(Grouping), "all: every bucket of all chosen equipment."
            ),
            Parameter(
                name="statistics",
                param_in="query",
                schema=array_schema(enum_schema(Statistic), len(Statistic)),
                style="form",
                explode=False,
                description="The statistics in the items, separated by commas.",
            ),
            query_parameter(
                "fill",
                enum_schema(Fill),
                "Buckets without readings: left out, null, or with values from those around them.",
            ),
            query_parameter(
                "compare", enum_schema(Comparison), "Return the same of an earlier range as well."
            ),
            limit_parameter(
                MAX_LIMIT,
                f"Items on a page; {DEFAULT_LIMIT} if not said, all for windows of hours or days.",
            ),
            CURSOR,
        ]
