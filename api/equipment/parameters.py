"""The parameters of equipment, one piece or the list."""

from enum import StrEnum

from msgspec import Struct

from api.http.equipment_filter import EQUIPMENT_ID
from api.http.pagination import StorableText, cursor_parameter, limit_parameter
from api.http.query_parameters import enum_parameter

DEFAULT_LIMIT = 100


class Include(StrEnum):
    """What equipment has beyond its metadata and its first and last reading."""

    USUAL_RANGE = "usualRange"


class Cursor(Struct, frozen=True, array_like=True):
    """The last id of a page."""

    equipment_id: StorableText


LIMIT = limit_parameter(1_000, DEFAULT_LIMIT, f"Equipment on a page; {DEFAULT_LIMIT} if not said.")
CURSOR = cursor_parameter(Cursor, Cursor(""))

INCLUDE = enum_parameter(
    "include", Include, "usualRange: the range that the last value is usually in.", None
)

PARAMETERS = (EQUIPMENT_ID, INCLUDE, LIMIT, CURSOR)
DETAILS_PARAMETERS = (INCLUDE,)
