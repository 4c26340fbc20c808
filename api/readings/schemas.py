from dataclasses import dataclass

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from core.readings import MAX_EQUIPMENT_ID_CHARACTERS, MAX_MAGNITUDE


class Saved(msgspec.Struct, frozen=True):
    """The answer to a reading that is stored."""

    message: str


READING = Schema(
    type=OpenAPIType.OBJECT,
    required=["equipmentId", "timestamp", "value"],
    additional_properties=False,
    properties={
        "equipmentId": Schema(
            type=OpenAPIType.STRING, min_length=1, max_length=MAX_EQUIPMENT_ID_CHARACTERS
        ),
        "timestamp": Schema(
            type=OpenAPIType.STRING,
            format=OpenAPIFormat.DATE_TIME,
            description="ISO 8601. An offset is honoured; without one it is UTC, or refused.",
        ),
        "value": Schema(type=OpenAPIType.NUMBER, minimum=-MAX_MAGNITUDE, maximum=MAX_MAGNITUDE),
    },
)


@dataclass
class SaveReadingOperation(Operation):
    """The operation with its body: the handler reads bytes, so that every wrong field is named."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=READING)}, required=True
        )
