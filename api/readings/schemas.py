from dataclasses import dataclass

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, Parameter, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.http.problem_details import FieldProblem
from api.readings.idempotency import HEADER
from core.readings import MAX_EQUIPMENT_ID_CHARACTERS, MAX_MAGNITUDE


class Saved(msgspec.Struct, frozen=True):
    """The response to a reading that is stored."""

    message: str


SAVED = Saved("Data saved successfully")


class Account(msgspec.Struct, frozen=True):
    """The row counts of a batch: read = inserted + replaced + unchanged + skipped + rejected.

    `errors` lists the first rejected rows; `rejected` counts them all.
    """

    read: int
    inserted: int
    replaced: int
    unchanged: int
    skipped: int
    rejected: int
    errors: list[FieldProblem]


IDEMPOTENCY_KEY = Parameter(
    name=HEADER,
    param_in="header",
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255),
    description="The request is carried out once in 24 hours; again it gets the same answer.",
)

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
    """The operation with its body: the handler reads bytes to name every wrong field."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [IDEMPOTENCY_KEY]
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=READING)}, required=True
        )
