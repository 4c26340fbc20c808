"""The OpenAPI operations: the handlers parse URL and body themselves."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, Parameter, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.equipment.description import (
    MAX_CHARACTERS,
    MAX_PERIOD_SECONDS,
    MERGE_PATCH,
    MIN_PERIOD_SECONDS,
)
from api.equipment.parameters import DETAILS_PARAMETERS
from api.openapi.parameters import operation_with
from core.readings import MAX_EQUIPMENT_ID_CHARACTERS

PATH_EQUIPMENT_ID = Parameter(
    name="equipment_id",
    param_in="path",
    required=True,
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=MAX_EQUIPMENT_ID_CHARACTERS),
    description="Percent-encoded whole, slashes too.",
)
TEXTS = {
    name: Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL], min_length=1, max_length=maximum)
    for name, maximum in MAX_CHARACTERS.items()
}
DESCRIPTION = Schema(
    type=OpenAPIType.OBJECT,
    additional_properties=False,
    properties={
        **TEXTS,
        "zone": Schema(
            type=[OpenAPIType.STRING, OpenAPIType.NULL],
            description="A time zone of the IANA database.",
        ),
        "expectedPeriodSeconds": Schema(
            type=[OpenAPIType.NUMBER, OpenAPIType.NULL],
            minimum=MIN_PERIOD_SECONDS,
            maximum=MAX_PERIOD_SECONDS,
        ),
    },
)


GetEquipmentOperation = operation_with(DETAILS_PARAMETERS, PATH_EQUIPMENT_ID)


@dataclass
class DescribeEquipmentOperation(Operation):
    """The operation with the id in its path and its merge patch."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [PATH_EQUIPMENT_ID]
        self.request_body = RequestBody(
            content={MERGE_PATCH: OpenAPIMediaType(schema=DESCRIPTION)}, required=True
        )
