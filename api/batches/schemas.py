from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.batches.parameters import PARAMETERS
from api.openapi.parameters import openapi_parameters
from api.readings.errors import MAX_ROWS
from api.readings.schemas import IDEMPOTENCY_KEY, READING

JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass
class SaveBatchOperation(Operation):
    """The operation with its parameters and bodies, both of which the handler parses itself."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [*openapi_parameters(PARAMETERS), IDEMPOTENCY_KEY]
        array = Schema(type=OpenAPIType.ARRAY, items=READING, max_items=MAX_ROWS)
        lines = Schema(type=OpenAPIType.STRING, description="One JSON object a line.")
        self.request_body = RequestBody(
            content={JSON: OpenAPIMediaType(array), NDJSON: OpenAPIMediaType(lines)},
            required=True,
        )
