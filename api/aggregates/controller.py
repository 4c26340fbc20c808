from typing import Any

from litestar import Controller, MediaType, Request, Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED

from api.aggregates.parameters import PARAMETERS
from api.aggregates.parsing import parse_query
from api.aggregates.schemas import Aggregates
from api.aggregates.service import AggregateService
from api.auth.access import access
from api.auth.visibility import visible_to
from api.openapi.parameters import operation_with
from core.scopes import Scope
from core.time import utc_now

AnyRequest = Request[Any, Any, Any]
Service = NamedDependency[SkipValidation[AggregateService]]

HEADERS = [
    ResponseHeader(
        name="ETag",
        description="Changes when the data do; send it back as If-None-Match.",
        documentation_only=True,
    )
]


class AggregateController(Controller):
    """Statistics of readings by time bucket."""

    tags = ("Aggregates",)

    @get(
        "/sensor-data/aggregated",
        operation_id="getAggregates",
        operation_class=operation_with(PARAMETERS),
        summary="Statistics of the buckets that start in a window or range",
        response_headers=HEADERS,
        **access(Scope.READINGS_READ, 304, 400, 414),
    )
    async def get_aggregates(
        self, request: AnyRequest, aggregates: Service
    ) -> Response[Aggregates]:
        """Return the requested buckets, or 304 if the client has them already."""
        return await _respond(request, aggregates)

    @get(
        "/sensor-data-aggregated",
        operation_id="getAggregatesByOldPath",
        operation_class=operation_with(PARAMETERS),
        summary="The same by the path that older clients know",
        deprecated=True,
        response_headers=HEADERS,
        **access(Scope.READINGS_READ, 304, 400, 414),
    )
    async def get_aggregates_by_old_path(
        self, request: AnyRequest, aggregates: Service
    ) -> Response[Aggregates]:
        """Return the requested buckets, or 304 if the client has them already."""
        return await _respond(request, aggregates)


async def _respond(request: AnyRequest, aggregates: AggregateService) -> Response[Aggregates]:
    query = parse_query(list(request.query_params.multi_items()), utc_now())
    if_none_match = request.headers.get("if-none-match")
    response = await aggregates.respond(query, visible_to(request.user), if_none_match)
    status = HTTP_200_OK if response.body else HTTP_304_NOT_MODIFIED
    headers = {"ETag": response.tag, "Cache-Control": "private, no-cache"}
    content: Any = response.body  # encoded already
    return Response(content, status_code=status, headers=headers, media_type=MediaType.JSON)
