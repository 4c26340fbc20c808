from dataclasses import replace
from datetime import timedelta
from typing import Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.audits.schemas import Audit
from api.audits.service import AuditService
from api.auth.access import access
from api.http.parsers import invalid_parameter
from api.http.query_parameters import Parameters
from api.http.time_ranges import FROM, TO, required_time_range
from api.openapi.parameters import operation_with
from core.scopes import Scope
from core.time import TimeRange

MAX_RANGE = timedelta(days=31)

PARAMETERS = (
    replace(FROM, description="The first moment to audit, with an offset."),
    replace(TO, description="The first moment after that range."),
)


class AuditController(Controller):
    """Audits of the rollups."""

    tags = ("Audits",)

    @post(
        "/rollups/audit",
        operation_id="auditRollups",
        operation_class=operation_with(PARAMETERS),
        summary="Compare the rollups of a range with its readings",
        status_code=200,
        **access(Scope.ADMIN, 400),
    )
    async def audit_rollups(
        self, request: Request[Any, Any, Any], audits: NamedDependency[SkipValidation[AuditService]]
    ) -> Audit:
        """Audit the days of the range; days with wrong buckets are then refreshed by force."""
        return await audits.audit(_time_range(request))


def _time_range(request: Request[Any, Any, Any]) -> TimeRange:
    parameters = Parameters(list(request.query_params.multi_items()), PARAMETERS)
    time_range = parameters.attempt(lambda: required_time_range(parameters), None)
    parameters.check()
    if time_range is None:
        raise invalid_parameter(FROM.name, "is missing")
    if time_range.length > MAX_RANGE:
        message = f"reaches over more than {MAX_RANGE.days} days; audit one part after another"
        raise invalid_parameter(TO.name, message, "range_too_long")
    return time_range
