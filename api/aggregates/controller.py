from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from api.aggregates.schemas import Aggregates
from api.aggregates.service import WINDOWS, AggregateService
from api.auth.access import access
from core.scopes import Scope

Interval = Annotated[
    str | None,
    QueryParameter(
        description="How far the window reaches back from now.",
        required=True,
        schema_extra={"type": "string", "enum": list(WINDOWS)},
    ),
]
Service = NamedDependency[SkipValidation[AggregateService]]


class AggregateController(Controller):
    """Rollups out."""

    tags = ("Aggregates",)

    @get(
        "/sensor-data/aggregated",
        operation_id="getAggregates",
        summary="Hourly rollups of a window that ends now",
        **access(Scope.READINGS_READ, 400),
    )
    async def get_aggregates(self, aggregates: Service, interval: Interval = None) -> Aggregates:
        """Answer for the window."""
        return await aggregates.window(interval)

    @get(
        "/sensor-data-aggregated",
        operation_id="getAggregatesByOldPath",
        summary="The same by the path that older clients know",
        deprecated=True,
        **access(Scope.READINGS_READ, 400),
    )
    async def get_aggregates_by_old_path(
        self, aggregates: Service, interval: Interval = None
    ) -> Aggregates:
        """Answer for the window."""
        return await aggregates.window(interval)
