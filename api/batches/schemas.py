from dataclasses import dataclass

from litestar.openapi.spec import (
    OpenAPIMediaType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType

from api.readings.batch_writer import BatchOptions, Mode
from api.readings.errors import MAX_ROWS
from api.readings.schemas import IDEMPOTENCY_KEY, READING
from core.readings import OnConflict

JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass
class SaveBatchOperation(Operation):
    """The operation with its parameters and bodies, both of which the handler parses itself."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [
            _choice("mode", Mode, BatchOptions().mode, "Whether one bad row refuses all."),
            _choice(
                "onConflict",
                OnConflict,
                BatchOptions().on_conflict,
                "What happens where a key is stored with another value.",
            ),
            IDEMPOTENCY_KEY,
        ]
        array = Schema(type=OpenAPIType.ARRAY, items=READING, max_items=MAX_ROWS)
        lines = Schema(type=OpenAPIType.STRING, description="One JSON object a line.")
        self.request_body = RequestBody(
            content={JSON: OpenAPIMediaType(array), NDJSON: OpenAPIMediaType(lines)},
            required=True,
        )


def _choice(
    name: str, choices: type[Mode] | type[OnConflict], default: str, description: str
) -> Parameter:
    schema = Schema(type=OpenAPIType.STRING, enum=list(choices), default=default)
    return Parameter(name=name, param_in="query", schema=schema, description=description)
