from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Operation
from litestar.params import SkipValidation

from api.audits.schemas import Audit
from api.audits.service import AuditService
from api.auth.access import access
from api.http.query_parameters import Parameters, refusal
from api.http.time_ranges import asked_range
from api.openapi.parameters import MOMENT, query
from core.scopes import Scope
from core.time import TimeRange

LONGEST = timedelta(days=31)


@dataclass
class AuditOperation(Operation):
    """The operation with its parameters."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = [
            query("from", MOMENT, "The first moment to audit, with an offset."),
            query("to", MOMENT, "The first moment after that range."),
        ]


class AuditController(Controller):
    """Rollups held against the readings."""

    tags = ("Audits",)

    @post(
        "/rollups/audit",
        operation_id="auditRollups",
        operation_class=AuditOperation,
        summary="Compare the rollups of a range with its readings",
        status_code=200,
        **access(Scope.ADMIN, 400),
    )
    async def audit_rollups(
        self, request: Request[Any, Any, Any], audits: NamedDependency[SkipValidation[AuditService]]
    ) -> Audit:
        """Audit the days of the range; those that are wrong are refreshed by force."""
        return await audits.audit(_span(request))


def _span(request: Request[Any, Any, Any]) -> TimeRange:
    given = Parameters(list(request.query_params.multi_items()), ("from", "to"))
    span = given.noted(lambda: asked_range(given), None)
    given.check()
    if span is None:
        raise refusal("from", "is missing")
    if span.length > LONGEST:
        message = f"reaches over more than {LONGEST.days} days; audit one part after another"
        raise refusal("to", message, "range_too_long")
    return span
