from http import HTTPStatus
from typing import Any

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.auth.access import access
from api.http.query_parameters import QueryParameter, Value
from api.http.request_body import MAX_BODY_BYTES, read_body
from api.line_protocol.operation import (
    ACCEPT_PARTIAL,
    DESCRIPTION,
    HEADERS,
    PRECISION,
    WriteOperation,
    WriteOperation3,
)
from api.line_protocol.responses import INFLUXDB_1, INFLUXDB_2, INFLUXDB_3, stored
from api.line_protocol.service import LineProtocolService
from api.readings.batch_writer import BatchWriter, Mode
from core.scopes import Scope

AnyRequest = Request[Any, Any, Any]
Service = NamedDependency[SkipValidation[LineProtocolService]]
Writer = NamedDependency[SkipValidation[BatchWriter]]

REFUSALS = (400, 413, 415, 502)
ACCESS = access(Scope.READINGS_WRITE, *REFUSALS, 429, influxdb=True)
ACCESS_1 = access(Scope.READINGS_WRITE, *REFUSALS, influxdb=True)


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
        response_headers=HEADERS,
        exception_handlers=INFLUXDB_2,
        **ACCESS,
    )
    async def write(
        self, request: AnyRequest, points: Service, batch_writer: Writer
    ) -> Response[None]:
        """Store the points; rejects are reported as InfluxDB 2 does."""
        return await _save(request, points, batch_writer)

    @post(
        "/write",
        operation_id="writeLineProtocolByOldPath",
        operation_class=WriteOperation,
        summary="The same by the path of InfluxDB 1",
        description=DESCRIPTION,
        status_code=HTTPStatus.NO_CONTENT,
        request_max_body_size=MAX_BODY_BYTES,
        response_headers=HEADERS,
        exception_handlers=INFLUXDB_1,
        **ACCESS_1,
    )
    async def write_1(
        self, request: AnyRequest, points: Service, batch_writer: Writer
    ) -> Response[None]:
        """Store the points; rejects are reported as InfluxDB 1 does."""
        return await _save(request, points, batch_writer)

    @post(
        "/api/v3/write_lp",
        operation_id="writeLineProtocolByNewPath",
        operation_class=WriteOperation3,
        summary="The same by the path of InfluxDB 3",
        description=DESCRIPTION,
        status_code=HTTPStatus.NO_CONTENT,
        request_max_body_size=MAX_BODY_BYTES,
        response_headers=HEADERS,
        exception_handlers=INFLUXDB_3,
        **ACCESS,
    )
    async def write_3(
        self, request: AnyRequest, points: Service, batch_writer: Writer
    ) -> Response[None]:
        """Store the points; rejects are reported as InfluxDB 3 does."""
        mode = Mode.PARTIAL if _read(request, ACCEPT_PARTIAL) else Mode.ATOMIC
        return await _save(request, points, batch_writer, mode)


async def _save(
    request: AnyRequest,
    points: LineProtocolService,
    batch_writer: BatchWriter,
    mode: Mode = Mode.PARTIAL,
) -> Response[None]:
    precision = _read(request, PRECISION)
    with batch_writer.admitted():
        return stored(await points.save(await read_body(request), precision, mode))


def _read(request: AnyRequest, parameter: QueryParameter[Value]) -> Value:
    """The parameter's value; unlike elsewhere, clients may leave its text empty."""
    text = request.query_params.get(parameter.name)
    return parameter.parse(parameter.name, text) if text else parameter.default
