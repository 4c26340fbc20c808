from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import SkipValidation
from litestar.types import ExceptionHandlersMap

from api.auth.access import TOKEN_SCHEMES, access
from api.http.query_parameters import enum_parameter
from api.http.request_body import MAX_BODY_BYTES, read_body
from api.line_protocol.service import LineProtocolService, Precision
from api.openapi.parameters import openapi_parameters
from api.readings.batch_writer import BatchWriter
from core.scopes import Scope

AnyRequest = Request[Any, Any, Any]
Service = NamedDependency[SkipValidation[LineProtocolService]]
Writer = NamedDependency[SkipValidation[BatchWriter]]

ACCESS = access(Scope.READINGS_WRITE, 400, 413, 415, 429, schemes=TOKEN_SCHEMES)
DESCRIPTION = (
    "Every numeric field becomes a reading; good ones are stored even if others are refused, which "
    "is reported as InfluxDB does: 400, partial write."
)

PRECISION = enum_parameter(
    "precision",
    Precision,
    "The unit of timestamps.",
    Precision.NANOSECONDS,
    documents_default=True,
)


@dataclass
class WriteOperation(Operation):
    """The operation with its body and its one parameter; any other parameter is ignored."""

    def __post_init__(self) -> None:
        """Declare what the handler's signature does not show."""
        self.parameters = openapi_parameters([PRECISION])
        text = OpenAPIMediaType(Schema(type=OpenAPIType.STRING))
        self.request_body = RequestBody(content={"text/plain": text}, required=True)
        self._declare_partial_write()

    def _declare_partial_write(self) -> None:
        bad_request = (self.responses or {})["400"]
        if isinstance(bad_request, OpenAPIResponse) and bad_request.content is not None:
            influxdb_error = Schema(type=OpenAPIType.OBJECT)
            bad_request.content["application/json"] = OpenAPIMediaType(influxdb_error)


class PartialWriteError(Exception):
    """Some fields are stored and some are rejected; `body` is that of the response."""

    def __init__(self, **body: str) -> None:
        super().__init__(body)
        self.body = body


def on_partial_write(_request: AnyRequest, error: PartialWriteError) -> Response[dict[str, str]]:
    """The response in the shape that InfluxDB's clients know."""
    return Response(error.body, status_code=int(HTTPStatus.BAD_REQUEST))


HANDLERS: ExceptionHandlersMap = {PartialWriteError: on_partial_write}


class LineProtocolController(Controller):
    """Readings from InfluxDB's clients."""

    tags = ("Readings",)

    @post(
        "/api/v2/write",
        operation_id="writeLineProtocol",
        operation_class=WriteOperation,
        summary="Store points in InfluxDB's line protocol",
        description=DESCRIPTION,
        status_code=HTTPStatus.NO_CONTENT,
        request_max_body_size=MAX_BODY_BYTES,
        exception_handlers=HANDLERS,
        **ACCESS,
    )
    async def write(self, request: AnyRequest, points: Service, batch_writer: Writer) -> None:
        """Store the points; rejects are reported as InfluxDB 2 does."""
        if message := await _save(request, points, batch_writer):
            raise PartialWriteError(code="invalid", message=message)

    @post(
        "/write",
        operation_id="writeLineProtocolByOldPath",
        operation_class=WriteOperation,
        summary="The same by the path of InfluxDB 1",
        description=DESCRIPTION,
        status_code=HTTPStatus.NO_CONTENT,
        request_max_body_size=MAX_BODY_BYTES,
        exception_handlers=HANDLERS,
        **ACCESS,
    )
    async def write_by_old_path(
        self, request: AnyRequest, points: Service, batch_writer: Writer
    ) -> None:
        """Store the points; rejects are reported as InfluxDB 1 does."""
        if message := await _save(request, points, batch_writer):
            raise PartialWriteError(error=message)


async def _save(
    request: AnyRequest, points: LineProtocolService, batch_writer: BatchWriter
) -> str | None:
    """Store the points; returns the message about rejects, in the words that clients look for."""
    text = request.query_params.get(PRECISION.name)
    precision = PRECISION.parse(PRECISION.name, text) if text else PRECISION.default
    with batch_writer.admitted():
        account = await points.save(await read_body(request), precision)
    if not account.rejected:
        return None
    first = account.errors[0]
    return f"partial write: line {first.index}: {first.message} dropped={account.rejected}"
