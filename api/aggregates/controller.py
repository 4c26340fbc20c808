from typing import Any

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.aggregates.operation import AggregatesOperation
from api.aggregates.parsing import parse_question
from api.aggregates.questions import Question
from api.aggregates.schemas import Aggregates
from api.aggregates.service import AggregateService
from api.auth.access import access
from core.readings import utc_now
from core.scopes import Scope

AnyRequest = Request[Any, Any, Any]
Service = NamedDependency[SkipValidation[AggregateService]]


class AggregateController(Controller):
    """Rollups out."""

    tags = ("Aggregates",)

    @get(
        "/sensor-data/aggregated",
        operation_id="getAggregates",
        operation_class=AggregatesOperation,
        summary="Statistics of the buckets that start in a window or range",
        **access(Scope.READINGS_READ, 400),
    )
    async def get_aggregates(self, request: AnyRequest, aggregates: Service) -> Aggregates:
        """Answer what the parameters ask."""
        return await aggregates.answer(_question(request))

    @get(
        "/sensor-data-aggregated",
        operation_id="getAggregatesByOldPath",
        operation_class=AggregatesOperation,
        summary="The same by the path that older clients know",
        deprecated=True,
        **access(Scope.READINGS_READ, 400),
    )
    async def get_aggregates_by_old_path(
        self, request: AnyRequest, aggregates: Service
    ) -> Aggregates:
        """Answer what the parameters ask."""
        return await aggregates.answer(_question(request))


def _question(request: AnyRequest) -> Question:
    return parse_question(list(request.query_params.multi_items()), utc_now())
