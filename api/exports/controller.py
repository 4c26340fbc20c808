from typing import Any

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.auth.access import access
from api.exports.formats import MEDIA_TYPES, Format
from api.exports.operation import ExportOperation
from api.exports.parsing import parse_export_query
from api.exports.schemas import ReadingPage
from api.exports.service import ExportService
from api.http.streaming import Download
from core.scopes import Scope

VARY = {"Vary": "Accept"}


class ExportController(Controller):
    """Readings out."""

    tags = ("Readings",)

    @get(
        "/sensor-data",
        operation_id="getReadings",
        operation_class=ExportOperation,
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
        if query.format is Format.JSON:
            return Response(await exports.page(query), headers=VARY)
        disposition = f'attachment; filename="readings.{query.format}"'
        headers = {**VARY, "Content-Disposition": disposition}
        return await Download.start(exports.file_chunks(query), MEDIA_TYPES[query.format], headers)
