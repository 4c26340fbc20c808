"""The parameters of a batch."""

from api.http.query_parameters import enum_parameter
from api.readings.batch_writer import BatchOptions, Mode
from core.readings import OnConflict

DEFAULTS = BatchOptions()

MODE = enum_parameter(
    "mode", Mode, "Whether one bad row refuses all.", DEFAULTS.mode, documents_default=True
)
ON_CONFLICT = enum_parameter(
    "onConflict",
    OnConflict,
    "What happens where a key is stored with another value.",
    DEFAULTS.on_conflict,
    documents_default=True,
)

PARAMETERS = (MODE, ON_CONFLICT)
