from typing import Any

from litestar import Controller, MediaType, Request, Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED

from api.aggregates.files import AggregateFile, AggregateFileService
from api.aggregates.parameters import PARAMETERS
from api.aggregates.parsing import parse_query
from api.aggregates.schemas import Aggregates
from api.aggregates.service import AggregateService
from api.auth.access import access
from api.auth.visibility import visible_to
from api.files.formats import FILE_MEDIA_TYPES, VARY, Format, Representation
from api.http.streaming import Download
from api.openapi.parameters import operation_with
from core.scopes import Scope
from core.time import utc_now

AnyRequest = Request[Any, Any, Any]
Service = NamedDependency[SkipValidation[AggregateService]]
FileService = NamedDependency[SkipValidation[AggregateFileService]]

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
        operation_class=operation_with(PARAMETERS, media_types=FILE_MEDIA_TYPES),
        summary="Statistics of the buckets that start in a window or range",
        description="A page as JSON, or all of them as a file of another format.",
        response_headers=HEADERS,
        **access(Scope.READINGS_READ, 304, 400, 406, 414, 429),
    )
    async def get_aggregates(
        self, request: AnyRequest, aggregates: Service, aggregate_files: FileService
    ) -> Response[Aggregates]:
        """Return the requested buckets, or 304 if the client has them already."""
        return await _respond(request, aggregates, aggregate_files)

    @get(
        "/sensor-data-aggregated",
        operation_id="getAggregatesByOldPath",
        operation_class=operation_with(PARAMETERS, media_types=FILE_MEDIA_TYPES),
        summary="The same by the path that older clients know",
        deprecated=True,
        response_headers=HEADERS,
        **access(Scope.READINGS_READ, 304, 400, 406, 414, 429),
    )
    async def get_aggregates_by_old_path(
        self, request: AnyRequest, aggregates: Service, aggregate_files: FileService
    ) -> Response[Aggregates]:
        """Return the requested buckets, or 304 if the client has them already."""
        return await _respond(request, aggregates, aggregate_files)


async def _respond(
    request: AnyRequest, aggregates: AggregateService, aggregate_files: AggregateFileService
) -> Response[Any]:
    pairs = list(request.query_params.multi_items())
    query = parse_query(pairs, utc_now(), request.headers.get("accept", ""))
    visible, if_none_match = visible_to(request.user), request.headers.get("if-none-match")
    if query.representation.format is not Format.JSON:
        file = await aggregate_files.file(query, visible, if_none_match)
        return await _file_response(query.representation, file)
    response = await aggregates.respond(query, visible, if_none_match)
    status = HTTP_200_OK if response.body else HTTP_304_NOT_MODIFIED
    content: Any = response.body  # encoded already
    headers = _headers(response.tag)
    return Response(content, status_code=status, headers=headers, media_type=MediaType.JSON)


async def _file_response(representation: Representation, file: AggregateFile) -> Response[Any]:
    headers = _headers(file.tag)
    if file.chunks is None:
        return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    headers |= representation.headers("aggregates")
    return await Download.start(file.chunks, representation.media_type, headers)


def _headers(tag: str) -> dict[str, str]:
    return {**VARY, "ETag": tag, "Cache-Control": "private, no-cache"}
