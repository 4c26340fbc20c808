"""What every request gets, matched by a route or not: an id, a log line, metrics, a span."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from math import nan
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from api.http.request_id import REQUEST_ID_HEADER, bind_request_id, current_request_id
from core.traces import is_tracing, span

if TYPE_CHECKING:
    from opentelemetry.trace import Span

TRACE_HEADERS = frozenset({b"traceparent", b"tracestate"})

# A label value stays for the life of the process, so none may be chosen by a client.
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

UPDATE_TIMEOUT_SECONDS = 1

# In the order of RollupLag's fields.
ROLLUP_LAG_GAUGES = {
    "sensorflow_rollup_lag_seconds": "Age of the oldest readings that are not added up in time.",
    "sensorflow_partial_hours_lag_seconds": "Age of the end of what is rolled forward.",
    "sensorflow_pending_readings": "Readings behind that end that are not added to it yet.",
}

STORED_READING = ("POST", "/sensor-data", 201)  # what nearly all requests are

logger = structlog.get_logger()


class RollupLag(NamedTuple):
    """How far rollups and partial hours are behind, in seconds; NaN what is not known."""

    seconds: float
    partial_hours_seconds: float
    pending_readings: float


UNKNOWN_LAG = RollupLag(nan, nan, nan)


class Metrics:
    """The metrics of the process and its requests, in a registry of this application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._update: asyncio.Task[None] | None = None
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Counter(
            "sensorflow_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "sensorflow_http_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ["method", "route"],
            registry=self.registry,
        )
        self._of_requests = cache(self._series_of)
        self._rollup_lag = [
            Gauge(name, description, registry=self.registry)
            for name, description in ROLLUP_LAG_GAUGES.items()
        ]

    async def updated(self, update: Callable[[], Coroutine[None, None, None]]) -> CollectorRegistry:
        """The registry, once `update` has queried the database or a second has passed.

        One update at a time: scrapes hold one connection of an unresponsive database, not all.
        """
        if self._update is None or self._update.done():
            self._update = asyncio.create_task(update())
        done, _ = await asyncio.wait({self._update}, timeout=UPDATE_TIMEOUT_SECONDS)
        for task in done:
            task.result()
        return self.registry

    def set_rollup_lag(self, lag: RollupLag) -> None:
        """Set the gauges of how far rollups and partial hours are behind."""
        for gauge, value in zip(self._rollup_lag, lag, strict=True):
            gauge.set(value)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request and its duration."""
        count, duration = self._of_requests(method, route, status)
        count.inc()
        duration.observe(seconds)

    def _series_of(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        count = self._requests.labels(method, route, str(status))
        return count, self._seconds.labels(method, route)


class RequestLog:
    """The log's line for each request; one for several of the kind that nearly all are."""

    def __init__(self, readings_per_line: int) -> None:
        self._readings_per_line = readings_per_line
        self._unlogged = 0

    def write(self, method: str, path: str, route: str, status: int, seconds: float) -> None:
        """Log the request, or count it for the line of a later one."""
        counted = {}
        if self._readings_per_line > 1 and (method, route, status) == STORED_READING:
            self._unlogged += 1
            if self._unlogged < self._readings_per_line:
                return
            counted = {"requests": self._unlogged}
            self._unlogged = 0
        logger.info(
            "request",
            method=method,
            path=path,  # without the query string, where people put secrets
            status=status,
            milliseconds=round(seconds * 1000, 1),
            **counted,
        )


class Observability:
    """ASGI middleware outside the router, so that it sees the router's own errors too."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log: RequestLog) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything but HTTP passes through."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = bind_request_id(scope["headers"])
        await self._observe(scope, receive, send, request_id.encode())

    async def _observe(
        self, scope: HTTPScope, receive: Receive, send: Send, request_id: bytes
    ) -> None:
        status = 0
        started = perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (REQUEST_ID_HEADER, request_id)]
                message = {**message, "headers": headers}
            await send(message)

        with span(_method(scope), headers=_trace_headers(scope)) as request_span:
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._record(scope, status, perf_counter() - started)
                if request_span:
                    _set_attributes(request_span, scope, status)

    def _record(self, scope: HTTPScope, status: int, seconds: float) -> None:
        method, route = _method(scope), scope.get("path_template") or "unmatched"
        self._metrics.observe(method, route, status, seconds)
        self._log.write(method, scope["path"], route, status, seconds)


def _trace_headers(scope: HTTPScope) -> dict[str, str]:
    """The headers that carry the caller's trace context; none while tracing is off."""
    if not is_tracing():
        return {}
    return {
        name.decode(): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in TRACE_HEADERS
    }


def _set_attributes(request_span: "Span", scope: HTTPScope, status: int) -> None:
    """Set what OpenTelemetry's conventions for HTTP servers require of a span."""
    route = scope.get("path_template") or "unmatched"
    request_span.update_name(f"{_method(scope)} {route}")
    request_span.set_attributes(
        {
            "http.request.method": _method(scope),
            "http.route": route,
            "http.response.status_code": status,
            "sensorflow.request_id": current_request_id(),
        }
    )


def _method(scope: HTTPScope) -> str:
    return scope["method"] if scope["method"] in KNOWN_METHODS else "other"
