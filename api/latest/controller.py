from typing import Any

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.auth.access import access
from api.latest.parameters import PARAMETERS
from api.latest.parsing import parse_latest_query
from api.latest.schemas import LatestReadings
from api.latest.service import LatestService
from api.openapi.parameters import operation_with
from core.scopes import Scope
from core.time import utc_now


class LatestController(Controller):
    """The latest reading of each equipment."""

    path = "/sensor-data/latest"
    tags = ("Readings",)

    @get(
        operation_id="listLatestReadings",
        operation_class=operation_with(PARAMETERS),
        summary="The latest reading of each equipment, in order of its id",
        **access(Scope.READINGS_READ, 400, 414),
    )
    async def list_latest_readings(
        self,
        request: Request[Any, Any, Any],
        latest: NamedDependency[SkipValidation[LatestService]],
    ) -> LatestReadings:
        """Respond with a page."""
        query = parse_latest_query(list(request.query_params.multi_items()))
        return await latest.page(query, utc_now())
