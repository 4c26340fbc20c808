"""The parameters of a request for aggregates."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from api.aggregates.comparisons import Comparison
from api.aggregates.cursor import Cursor
from api.aggregates.gapfill import Fill
from api.aggregates.query import WINDOWS, Grouping, Statistic
from api.aggregates.resolutions import RESOLUTION_LIMITS
from api.files.parameters import FORMAT
from api.http import time_ranges
from api.http.csv_dialects import CSV_DIALECT
from api.http.equipment_filter import EQUIPMENT_ID
from api.http.pagination import cursor_parameter, limit_parameter
from api.http.parsers import enum_parser, parse_text, parse_time_zone
from api.http.query_parameters import (
    TEXT_SCHEMA,
    QueryParameter,
    array_schema,
    enum_parameter,
    enum_schema,
)

AUTO = "auto"
RESOLUTIONS = (AUTO, *RESOLUTION_LIMITS)
DEFAULT_LIMIT = 1_000


def _parse_zone(name: str, text: str) -> ZoneInfo:
    return ZoneInfo(parse_time_zone(name, text))


def _parse_statistics(name: str, text: str) -> frozenset[Statistic]:
    parse = enum_parser(Statistic)
    return frozenset(parse(name, part) for part in text.split(","))


# Which windows and resolutions are valid depends on the other parameters: parsing.py decides.
INTERVAL: QueryParameter[str | None] = QueryParameter(
    name="interval",
    parse=parse_text,
    default=None,
    schema=enum_schema(WINDOWS),
    description="How far the window reaches back from now.",
)
FROM = replace(
    time_ranges.FROM, description="Instead of interval: the first moment, with an offset."
)
TO = replace(time_ranges.TO, description="The first moment after the range that begins at from.")
RESOLUTION: QueryParameter[str | None] = QueryParameter(
    name="resolution",
    parse=parse_text,
    default=None,
    schema=enum_schema(RESOLUTIONS),
    description="The width of a bucket; 1h for a window, auto for a range if not said.",
)
ZONE: QueryParameter[ZoneInfo | None] = QueryParameter(
    name="tz",
    parse=_parse_zone,
    default=None,
    schema=TEXT_SCHEMA,
    description="Days and hours begin as in this time zone of the IANA database.",
)
GROUP_BY = enum_parameter(
    "groupBy", Grouping, "all: every bucket of all chosen equipment.", Grouping.EQUIPMENT
)
STATISTICS: QueryParameter[frozenset[Statistic] | None] = QueryParameter(
    name="statistics",
    parse=_parse_statistics,
    default=None,
    schema=array_schema(enum_schema(Statistic), len(Statistic)),
    description="The statistics in the items, separated by commas.",
)
FILL = enum_parameter(
    "fill",
    Fill,
    "Buckets without readings: left out, null, or with values from those around them.",
    Fill.NONE,
)
COMPARE = enum_parameter(
    "compare", Comparison, "Return the same of an earlier range as well.", None
)
LIMIT = limit_parameter(
    10_000,
    DEFAULT_LIMIT,
    f"Items on a page of json; {DEFAULT_LIMIT} if not said, all for windows of hours or days.",
)
CURSOR = cursor_parameter(Cursor, None)

PARAMETERS = (
    INTERVAL,
    FROM,
    TO,
    EQUIPMENT_ID,
    RESOLUTION,
    ZONE,
    GROUP_BY,
    STATISTICS,
    FILL,
    COMPARE,
    FORMAT,
    CSV_DIALECT,
    LIMIT,
    CURSOR,
)
