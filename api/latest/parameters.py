"""The parameters of the latest readings."""

from msgspec import Struct

from api.http.equipment_filter import EQUIPMENT_ID
from api.http.pagination import StorableText, cursor_parameter, limit_parameter

MAX_LIMIT = 10_000
DEFAULT_LIMIT = 1_000


class Cursor(Struct, frozen=True, array_like=True):
    """The last id of a page."""

    equipment_id: StorableText


LIMIT = limit_parameter(
    MAX_LIMIT, DEFAULT_LIMIT, f"Readings on a page; {DEFAULT_LIMIT} if not said."
)
CURSOR = cursor_parameter(Cursor, Cursor(""))

PARAMETERS = (EQUIPMENT_ID, LIMIT, CURSOR)
