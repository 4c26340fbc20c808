from typing import Any

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.auth.access import access
from api.exports.parameters import PARAMETERS
from api.exports.parsing import parse_export_query
from api.exports.schemas import ReadingPage
from api.exports.service import ExportService
from api.files.formats import FILE_MEDIA_TYPES, VARY, Format
from api.http.streaming import Download
from api.openapi.parameters import operation_with
from core.scopes import Scope


class ExportController(Controller):
    """Readings out."""

    tags = ("Readings",)

    @get(
        "/sensor-data",
        operation_id="getReadings",
        operation_class=operation_with(PARAMETERS, media_types=FILE_MEDIA_TYPES),
        summary="Stored readings in order of timestamp and equipment",
        description="A page as JSON, or the whole range as a file of another format.",
        **access(Scope.READINGS_READ, 400, 406, 414, 429),
    )
    async def get_readings(
        self,
        request: Request[Any, Any, Any],
        exports: NamedDependency[SkipValidation[ExportService]],
    ) -> Response[ReadingPage]:
        """Respond with a page or start the file."""
        pairs = list(request.query_params.multi_items())
        query = parse_export_query(pairs, request.headers.get("accept", ""))
        if query.representation.format is Format.JSON:
            return Response(await exports.page(query), headers=VARY)
        representation = query.representation
        headers = representation.headers("readings")
        return await Download.start(exports.file_chunks(query), representation.media_type, headers)
