from typing import Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import RawBody, SkipValidation

from api.auth.access import access
from api.http.problem_details import UnsupportedMediaTypeError
from api.http.request_body import media_type
from api.readings.errors import MAX_READING_BYTES
from api.readings.idempotency import keyed_request
from api.readings.schemas import SAVED, Saved, SaveReadingOperation
from api.readings.service import ReadingService
from core.scopes import Scope

AnyRequest = Request[Any, Any, Any]

PATH = "/sensor-data"
SCOPE = Scope.READINGS_WRITE
STATUS = 201


class ReadingController(Controller):
    """Single readings in."""

    tags = ("Readings",)

    @post(
        PATH,
        operation_id="saveReading",
        operation_class=SaveReadingOperation,
        summary="Store one reading",
        description="Acknowledged after its commit. Sending it again is harmless: equipmentId and "
        "timestamp are the key, and the last write wins.",
        status_code=STATUS,
        request_max_body_size=MAX_READING_BYTES,
        **access(SCOPE, 400, 409, 413, 415, 422, 429),
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
        return SAVED
