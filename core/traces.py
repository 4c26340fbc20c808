"""Traces for an OpenTelemetry collector, if the environment names one; else nothing is loaded."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from opentelemetry.trace import Span

Attributes: TypeAlias = Mapping[str, str | int]
Headers: TypeAlias = Mapping[str, str]
SpanFactory: TypeAlias = Callable[[str, Attributes, Headers], "AbstractContextManager[Span]"]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SERVICE_NAME = "OTEL_SERVICE_NAME"

_start_span: SpanFactory | None = None


def configure_tracing(service: str) -> None:
    """Export the spans of this process by OTLP over HTTP, if one of ENDPOINTS is set.

    OpenTelemetry's own variables configure the rest; they may also replace the name `service`.
    """
    global _start_span  # noqa: PLW0603  # global to the process, like logging
    if any(os.environ.get(name) for name in ENDPOINTS):
        _start_span = _span_factory(os.environ.get(SERVICE_NAME) or service)


def span(
    name: str, attributes: Attributes | None = None, headers: Headers | None = None
) -> "AbstractContextManager[Span | None]":
    """A span around the block; None while tracing is off.

    Its parent is the current span, or the one in the trace context of a request's `headers`.
    """
    if _start_span is None:
        return nullcontext()
    return _start_span(name, attributes or {}, headers or {})


def is_tracing() -> bool:
    """Whether spans are exported."""
    return _start_span is not None


def _span_factory(service: str) -> SpanFactory:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.propagate import extract  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("sensorflow")

    def start(
        name: str, attributes: Attributes, headers: Headers
    ) -> "AbstractContextManager[Span]":
        caller = extract(headers) if headers else None
        return tracer.start_as_current_span(name, caller, attributes=attributes)

    return start
