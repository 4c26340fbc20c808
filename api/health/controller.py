from http import HTTPStatus
from typing import Any

from litestar import Controller, MediaType, Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import SkipValidation
from litestar.response import Redirect
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.audits.service import AuditService
from api.auth.access import METRICS, PUBLIC, access
from api.dashboard.controller import PATH as DASHBOARD
from api.health.schemas import Alive, Readiness
from api.health.service import HealthService
from api.observability import UNKNOWN_LAG, Metrics

UNREADY = {503: ResponseSpec(Readiness, description="Not ready; the checks say why.")}
PUBLIC_ACCESS = access(PUBLIC)
BY_ACCEPT = {"Vary": "Accept"}


class HealthController(Controller):
    """Health and metrics of the server."""

    tags = ("Health",)

    @get(
        "/",
        operation_id="getRoot",
        summary="Whether anybody is there",
        media_type=MediaType.TEXT,
        **PUBLIC_ACCESS,
    )
    async def get_root(self, request: Request[Any, Any, Any]) -> Response[str] | Redirect:
        """Respond with ok; lead a browser to the dashboard."""
        if "text/html" in request.headers.get("accept", ""):
            return Redirect(DASHBOARD, status_code=303, headers=BY_ACCEPT)
        return Response("ok", headers=BY_ACCEPT)

    @get("/health/live", operation_id="getLiveness", summary="Liveness", **PUBLIC_ACCESS)
    async def get_liveness(self) -> Alive:
        """Respond as long as the process runs."""
        return Alive()

    @get(
        "/health/ready",
        operation_id="getReadiness",
        summary="Readiness: database, migrations, worker",
        opt=PUBLIC_ACCESS["opt"],
        security=PUBLIC_ACCESS["security"],
        responses=PUBLIC_ACCESS["responses"] | UNREADY,
    )
    async def get_readiness(
        self, health: NamedDependency[SkipValidation[HealthService]]
    ) -> Response[Readiness]:
        """Respond with whether requests can be served."""
        readiness = await health.readiness()
        ready = readiness.status == "ready"
        return Response(readiness, status_code=200 if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    @get(
        "/metrics",
        operation_id="getMetrics",
        summary="Metrics for Prometheus",
        media_type=CONTENT_TYPE_LATEST,
        **access(METRICS),
    )
    async def get_metrics(
        self,
        metrics: NamedDependency[SkipValidation[Metrics]],
        health: NamedDependency[SkipValidation[HealthService]],
        audits: NamedDependency[SkipValidation[AuditService]],
    ) -> bytes:
        """Respond with the metrics of the process and of what the database knows."""

        async def update() -> None:
            metrics.set_rollup_lag(UNKNOWN_LAG)  # until it is known
            metrics.set_rollup_lag(await health.rollup_lag())
            await health.update_metrics()
            await audits.update_metrics()

        return generate_latest(await metrics.updated(update))
