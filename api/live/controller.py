from typing import Any

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Parameter
from litestar.params import SkipValidation

from api.auth.access import access, enforce_access
from api.http.equipment_filter import (
    ALL_EQUIPMENT,
    EQUIPMENT_ID,
    EquipmentFilter,
    parse_equipment_filter,
)
from api.http.query_parameters import TEXT_SCHEMA, Parameters
from api.http.server_sent_events import EventStream, EventStreams
from api.live.service import LiveService
from api.openapi.parameters import operation_with
from core.scopes import Scope

AnyRequest = Request[Any, Any, Any]

PARAMETERS = (EQUIPMENT_ID,)
LAST_EVENT_ID = Parameter(
    name="Last-Event-ID",
    param_in="header",
    schema=TEXT_SCHEMA,
    description="The id of the last event received: go on behind it.",
)


class LiveController(Controller):
    """Changes as they happen."""

    tags = ("Readings",)

    @get(
        "/sensor-data/live",
        operation_id="followReadings",
        operation_class=operation_with(PARAMETERS, LAST_EVENT_ID),
        summary="New readings and changed buckets as server-sent events",
        media_type="text/event-stream",
        **access(Scope.READINGS_READ, 400, 414, 429),
    )
    async def follow_readings(
        self,
        request: AnyRequest,
        live: NamedDependency[SkipValidation[LiveService]],
        streams: NamedDependency[SkipValidation[EventStreams]],
    ) -> EventStream:
        """Stream the events."""
        events = await live.follow(
            _equipment(request),
            request.headers.get("last-event-id", ""),
            lambda: enforce_access(request, request.route_handler),
        )
        return await streams.stream(request.user.subject, events)


def _equipment(request: AnyRequest) -> EquipmentFilter:
    parameters = Parameters(list(request.query_params.multi_items()), PARAMETERS)
    equipment = parameters.attempt(lambda: parse_equipment_filter(parameters), ALL_EQUIPMENT)
    parameters.check()
    return equipment
