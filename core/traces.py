"""Traces for an OpenTelemetry collector, when the environment names one; else nothing is loaded."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from opentelemetry.trace import Span

Attributes: TypeAlias = Mapping[str, str | int]
Headers: TypeAlias = Mapping[str, str]
Open: TypeAlias = Callable[[str, Attributes, Headers], "AbstractContextManager[Span]"]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SERVICE_NAME = "OTEL_SERVICE_NAME"

_open: Open | None = None


def configure_tracing(service: str) -> None:
    """Send the spans of this process by OTLP over HTTP, if one of ENDPOINTS says where to.

    OpenTelemetry's own variables say the rest; `service` is the name unless they give another.
    """
    global _open  # noqa: PLW0603  # like logging, it is the process's
    if any(os.environ.get(name) for name in ENDPOINTS):
        _open = _exporting(os.environ.get(SERVICE_NAME) or service)


def span(
    name: str, attributes: Attributes | None = None, headers: Headers | None = None
) -> "AbstractContextManager[Span | None]":
    """A span around the block, and None when nobody collects them.

    It belongs to the span around it, or to the caller's that the `headers` of a request name.
    """
    if _open is None:
        return nullcontext()
    return _open(name, attributes or {}, headers or {})


def is_tracing() -> bool:
    """Whether spans are collected."""
    return _open is not None


def _exporting(service: str) -> Open:
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
