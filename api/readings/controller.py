from typing import Any

from litestar import Controller, Request, post
from litestar.datastructures import Headers
from litestar.di import NamedDependency
from litestar.params import RawBody, SkipValidation

from api.auth.access import access
from api.problems import UnsupportedMediaTypeError
from api.readings.schemas import Saved, SaveReadingOperation
from api.readings.service import ReadingService
from core.scopes import Scope

MAX_BODY_BYTES = 64 * 1024

AnyRequest = Request[Any, Any, Any]


def require_json(headers: Headers) -> None:
    """Raise UnsupportedMediaTypeError unless the body is announced as JSON."""
    media_type, _, _ = headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "application/json":
        raise UnsupportedMediaTypeError("Send the reading as Content-Type: application/json.")


class ReadingController(Controller):
    """Readings in."""

    tags = ("Readings",)

    @post(
        "/sensor-data",
        operation_id="saveReading",
        operation_class=SaveReadingOperation,
        summary="Store one reading",
        description="Acknowledged after its commit. Sending it again is harmless: equipmentId and "
        "timestamp are the key, and the last write wins.",
        request_max_body_size=MAX_BODY_BYTES,
        **access(Scope.READINGS_WRITE, 400, 413, 415, 429),
    )
    async def save_reading(
        self,
        request: AnyRequest,
        body: RawBody,
        readings: NamedDependency[SkipValidation[ReadingService]],
    ) -> Saved:
        """Store the reading."""
        require_json(request.headers)
        await readings.save(body)
        return Saved("Data saved successfully")
