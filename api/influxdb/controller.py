from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import SkipValidation

from api.auth.access import AUTHENTICATED, PUBLIC, access
from api.http.parsers import invalid_parameter
from api.http.request_body import media_type
from api.influxdb.operation import PingOperation, QueryFormOperation, QueryOperation
from api.influxdb.schemas import Health, Ready, Results, Version
from api.influxdb.service import INFLUXDB_VERSION, InfluxDBService
from api.influxdb.statements import answer
from api.line_protocol.responses import INFLUXDB_1

AnyRequest = Request[Any, Any, Any]
Service = NamedDependency[SkipValidation[InfluxDBService]]

FORM = "application/x-www-form-urlencoded"
MAX_QUERY_BYTES = 64 * 1024
OPEN_TO_ALL = access(PUBLIC)
QUERY_ACCESS = access(AUTHENTICATED, 400, 413, 502, influxdb=True)
NOT_VERBOSE = {"", "0", "false"}


class InfluxDBController(Controller):
    """What clients of InfluxDB ask before they write."""

    tags = ("InfluxDB",)
    response_headers = (
        ResponseHeader(name="X-Influxdb-Version", value=INFLUXDB_VERSION),
        ResponseHeader(name="X-Influxdb-Build", value="OSS"),
    )

    @get(
        "/ping",
        operation_id="ping",
        operation_class=PingOperation,
        summary="Whether anybody is there, for clients of InfluxDB",
        opt=OPEN_TO_ALL["opt"],
        security=OPEN_TO_ALL["security"],
        responses=OPEN_TO_ALL["responses"]
        | {204: ResponseSpec(None, description="Somebody is; without verbose=true.")},
    )
    async def ping(self, request: AnyRequest) -> Response[Version | None]:
        """Respond as long as the process runs."""
        if request.query_params.get("verbose", "") in NOT_VERBOSE:
            return Response(None, status_code=int(HTTPStatus.NO_CONTENT))
        return Response(Version(INFLUXDB_VERSION), status_code=int(HTTPStatus.OK))

    @get(
        "/health",
        operation_id="getInfluxDBHealth",
        summary="Whether writes are taken, for clients of InfluxDB",
        opt=OPEN_TO_ALL["opt"],
        security=OPEN_TO_ALL["security"],
        responses=OPEN_TO_ALL["responses"]
        | {503: ResponseSpec(Health, description="Not now; the checks say why.")},
    )
    async def get_health(self, influxdb: Service) -> Response[Health]:
        """Respond with the state of the server."""
        health = await influxdb.health()
        return Response(health, status_code=_status(passes=health.status == "pass"))

    @get(
        "/ready",
        operation_id="getInfluxDBReady",
        summary="Whether writes are taken and since when, for clients of InfluxDB",
        opt=OPEN_TO_ALL["opt"],
        security=OPEN_TO_ALL["security"],
        responses=OPEN_TO_ALL["responses"] | {503: ResponseSpec(Ready, description="Not now.")},
    )
    async def get_ready(self, influxdb: Service) -> Response[Ready]:
        """Respond with the state of the server and its age."""
        ready = await influxdb.ready()
        return Response(ready, status_code=_status(passes=ready.status == "ready"))

    @get(
        "/query",
        operation_id="queryInfluxDB",
        operation_class=QueryOperation,
        summary="CREATE DATABASE and SHOW DATABASES, for clients of InfluxDB 1",
        exception_handlers=INFLUXDB_1,
        **QUERY_ACCESS,
    )
    async def query(self, request: AnyRequest) -> Results:
        """Respond as if the database existed, and refuse any other query."""
        return _results(request.query_params.get("q"))

    @post(
        "/query",
        operation_id="queryInfluxDBByForm",
        operation_class=QueryFormOperation,
        summary="The same by a form",
        status_code=HTTPStatus.OK,
        request_max_body_size=MAX_QUERY_BYTES,
        exception_handlers=INFLUXDB_1,
        **QUERY_ACCESS,
    )
    async def query_by_form(self, request: AnyRequest) -> Results:
        """Respond to the query in the form, or in the query string."""
        query = request.query_params.get("q")
        if query is None and media_type(request) == FORM:
            form = parse_qs((await request.body()).decode(errors="replace"))
            query = form.get("q", [None])[0]
        return _results(query)


def _results(query: str | None) -> Results:
    if query is None:
        raise invalid_parameter("q", "is missing", "missing_value")
    return Results(answer(query))


def _status(*, passes: bool) -> int:
    return int(HTTPStatus.OK if passes else HTTPStatus.SERVICE_UNAVAILABLE)
