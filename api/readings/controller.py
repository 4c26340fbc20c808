from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import RawBody, SkipValidation

from api.auth.access import access
from api.exports.formats import MEDIA_TYPES, Format
from api.exports.operation import ExportOperation
from api.exports.parsing import parse_asked
from api.exports.schemas import ReadingPage
from api.exports.service import ExportService
from api.http.problem_details import UnsupportedMediaTypeError
from api.http.request_body import media_type
from api.http.streaming import Download
from api.readings.errors import MAX_READING_BYTES
from api.readings.idempotency import keyed_request
from api.readings.schemas import Saved, SaveReadingOperation
from api.readings.service import ReadingService
from core.scopes import Scope

BY_ACCEPT = {"Vary": "Accept"}

AnyRequest = Request[Any, Any, Any]


class ReadingController(Controller):
    """Readings in and out."""

    tags = ("Readings",)

    @post(
        "/sensor-data",
        operation_id="saveReading",
        operation_class=SaveReadingOperation,
        summary="Store one reading",
        description="Acknowledged after its commit. Sending it again is harmless: equipmentId and "
        "timestamp are the key, and the last write wins.",
        request_max_body_size=MAX_READING_BYTES,
        **access(Scope.READINGS_WRITE, 400, 409, 413, 415, 422, 429),
    )
    async def save_reading(
        self,
        request: AnyRequest,
        body: RawBody,
        readings: NamedDependency[SkipValidation[ReadingService]],
    ) -> Saved:
        """Store the reading."""
        if media_type(request) != "application/json":
            raise UnsupportedMediaTypeError("Send the reading as Content-Type: application/json.")
        await readings.save(body, await keyed_request(request))
        return Saved("Data saved successfully")

    @get(
        "/sensor-data",
        operation_id="getReadings",
        operation_class=ExportOperation,
        summary="Stored readings in order of timestamp and equipment",
        description="A page as JSON, or the whole range as a file of another format.",
        **access(Scope.READINGS_READ, 400, 406, 414, 429),
    )
    async def get_readings(
        self, request: AnyRequest, exports: NamedDependency[SkipValidation[ExportService]]
    ) -> Response[ReadingPage]:
        """Return a page, or begin the file."""
        pairs = list(request.query_params.multi_items())
        asked = parse_asked(pairs, request.headers.get("accept", ""))
        if asked.format is Format.JSON:
            return Response(await exports.page(asked), headers=BY_ACCEPT)
        disposition = f'attachment; filename="readings.{asked.format}"'
        headers = {**BY_ACCEPT, "Content-Disposition": disposition}
        return await Download.begin(exports.pieces(asked), MEDIA_TYPES[asked.format], headers)
