from typing import Any

from litestar import Controller, MediaType, Request, Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED

from api.aggregates.operation import AggregatesOperation
from api.aggregates.parsing import parse_query
from api.aggregates.schemas import Aggregates
from api.aggregates.service import AggregateService
from api.auth.access import access
from api.auth.visibility import visible_to
from core.scopes import Scope
from core.time import utc_now

AnyRequest = Request[Any, Any, Any]
Service = NamedDependency[SkipValidation[AggregateService]]

HEADERS = [
    ResponseHeader(
        name="ETag",
        description="Changes when what is asked for does; send it back as If-None-Match.",
        documentation_only=True,
    )
]


class AggregateController(Controller):
    """Rollups out."""

    tags = ("Aggregates",)

    @get(
        "/sensor-data/aggregated",
        operation_id="getAggregates",
        operation_class=AggregatesOperation,
        summary="Statistics of the buckets that start in a window or range",
        response_headers=HEADERS,
        **access(Scope.READINGS_READ, 304, 400, 414),
    )
    async def get_aggregates(
        self, request: AnyRequest, aggregates: Service
    ) -> Response[Aggregates]:
        """Answer what the parameters ask, unless the caller has the answer already."""
        return await _answer(request, aggregates)

    @get(
        "/sensor-data-aggregated",
        operation_id="getAggregatesByOldPath",
        operation_class=AggregatesOperation,
        summary="The same by the path that older clients know",
        deprecated=True,
        response_headers=HEADERS,
        **access(Scope.READINGS_READ, 304, 400, 414),
    )
    async def get_aggregates_by_old_path(
        self, request: AnyRequest, aggregates: Service
    ) -> Response[Aggregates]:
        """Answer what the parameters ask, unless the caller has the answer already."""
        return await _answer(request, aggregates)


async def _answer(request: AnyRequest, aggregates: AggregateService) -> Response[Aggregates]:
    query = parse_query(list(request.query_params.multi_items()), utc_now())
    known = request.headers.get("if-none-match")
    answer = await aggregates.answer(query, visible_to(request.user), known)
    status = HTTP_200_OK if answer.body else HTTP_304_NOT_MODIFIED
    headers = {"ETag": answer.tag, "Cache-Control": "private, no-cache"}
    content: Any = answer.body  # encoded already
    return Response(content, status_code=status, headers=headers, media_type=MediaType.JSON)
