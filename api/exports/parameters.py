"""The parameters of an export."""

from datetime import datetime

from msgspec import Struct

from api.files.parameters import FORMAT
from api.http.csv_dialects import CSV_DIALECT
from api.http.equipment_filter import EQUIPMENT_ID
from api.http.pagination import StorableText, cursor_parameter, limit_parameter
from api.http.time_ranges import FROM, TO
from core.readings import EARLIEST

DEFAULT_LIMIT = 1_000


class Position(Struct, frozen=True, array_like=True):
    """The key of a reading, in the order of an export."""

    timestamp: datetime
    equipment_id: StorableText


BEGINNING = Position(EARLIEST, "")

LIMIT = limit_parameter(
    10_000, DEFAULT_LIMIT, f"Readings on a page of json; {DEFAULT_LIMIT} if not said."
)
CURSOR = cursor_parameter(Position, BEGINNING)

PARAMETERS = (FROM, TO, EQUIPMENT_ID, FORMAT, CSV_DIALECT, LIMIT, CURSOR)
