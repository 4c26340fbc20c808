from typing import Any
from urllib.parse import unquote

from litestar import Controller, Request, get, patch
from litestar.di import NamedDependency
from litestar.params import RawBody, SkipValidation

from api.auth.access import access
from api.equipment.description import MERGE_PATCH
from api.equipment.operations import DescribeEquipmentOperation, GetEquipmentOperation
from api.equipment.parameters import PARAMETERS
from api.equipment.parsing import parse_details_query, parse_equipment_query
from api.equipment.schemas import EquipmentDetails, EquipmentPage
from api.equipment.service import EquipmentService
from api.http.parsers import parse_equipment_id
from api.http.problem_details import UnsupportedMediaTypeError
from api.openapi.parameters import operation_with
from core.scopes import Scope
from core.time import utc_now

ITEM_PATH = "/equipment/"
MAX_BODY_BYTES = 64 * 1024

AnyRequest = Request[Any, Any, Any]
Service = NamedDependency[SkipValidation[EquipmentService]]


class EquipmentController(Controller):
    """Equipment: what has sent readings, and its metadata."""

    path = "/equipment"
    tags = ("Equipment",)

    @get(
        operation_id="listEquipment",
        operation_class=operation_with(PARAMETERS),
        summary="Known equipment in order of its id, with its first and last reading",
        **access(Scope.READINGS_READ, 400, 414),
    )
    async def list_equipment(self, request: AnyRequest, equipment: Service) -> EquipmentPage:
        """Respond with a page."""
        query = parse_equipment_query(list(request.query_params.multi_items()))
        return await equipment.page(query, utc_now())

    @get(
        "/{equipment_id:path}",
        operation_id="getEquipment",
        operation_class=GetEquipmentOperation,
        summary="One piece of equipment",
        **access(Scope.READINGS_READ, 400, 404),
    )
    async def get_equipment(self, request: AnyRequest, equipment: Service) -> EquipmentDetails:
        """Respond with one piece of equipment."""
        include = parse_details_query(list(request.query_params.multi_items()))
        return await equipment.get(_requested_ids(request), utc_now(), include)

    @patch(
        "/{equipment_id:path}",
        operation_id="describeEquipment",
        operation_class=DescribeEquipmentOperation,
        summary="Say what equipment is called, measures in, where it is and how often it reports",
        description="A JSON merge patch: what is not named stays, null takes it away.",
        request_max_body_size=MAX_BODY_BYTES,
        **access(Scope.ADMIN, 400, 404, 413, 415),
    )
    async def describe_equipment(
        self, request: AnyRequest, body: RawBody, equipment: Service
    ) -> EquipmentDetails:
        """Update its metadata and respond with it."""
        _require_merge_patch(request)
        return await equipment.describe(_requested_ids(request), body, utc_now())


def _requested_ids(request: AnyRequest) -> tuple[str, ...]:
    """The id in the raw path, and as it is stored: the framework would lose encoded slashes."""
    encoded = request.scope["raw_path"].decode().removeprefix(ITEM_PATH)
    return parse_equipment_id("equipmentId", unquote(encoded))


def _require_merge_patch(request: AnyRequest) -> None:
    media_type, _, _ = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() not in {MERGE_PATCH, "application/json"}:
        raise UnsupportedMediaTypeError(f"Send the changes as Content-Type: {MERGE_PATCH}.")
