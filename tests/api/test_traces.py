"""Traces, as a collector of OpenTelemetry gets them from the real server and worker."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from core.traces import is_tracing, span
from embedded.identity import IdentityProvider
from tests.api.test_server_process import gateway_token, server_process

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
WANTED = {"POST /sensor-data", "save readings", "import", "refresh rollups"}


class Collector(ThreadingHTTPServer):
    """Receives spans by OTLP over HTTP, and stores them by name."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.spans: dict[str, Span] = {}
        self.services: set[str] = set()

    def receive(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {each.key: each.value for each in resource.resource.attributes}
            self.services.add(attributes["service.name"].string_value)
            for scope in resource.scope_spans:
                self.spans |= {each.name: each for each in scope.spans}


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.receive(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def worker_process(database_url: str, storage: Path) -> Iterator[None]:
    settings = {
        "SENSORFLOW_DATABASE_URL": database_url,
        "SENSORFLOW_STORAGE_URL": str(storage),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "worker"],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def test_a_collector_gets_the_spans_of_requests_commits_imports_and_refreshes(
    clean_url: str,
    identity_provider: IdentityProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scopes = "readings:write imports:write"
    headers = {
        "Authorization": f"Bearer {gateway_token(identity_provider, scopes)}",
        "traceparent": f"00-{TRACE}-{CALLER}-01",
    }
    reading = {"equipmentId": "a", "timestamp": "2026-01-01T00:00:00Z", "value": 1}
    file = b"equipmentId,timestamp,value\na,2026-01-02T00:00:00Z,1\n"
    with collector() as collected:
        port = collected.server_address[1]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with (
            server_process(clean_url, identity_provider.issuer, tmp_path) as (_, url),
            worker_process(clean_url, tmp_path / "storage"),
            httpx2.Client(base_url=url, headers=headers) as client,
        ):
            for _ in range(2):  # by the framework, and with its token known by the lean path
                assert client.post("/sensor-data", json=reading).status_code == 201
            upload = {"file": ("a.csv", file)}
            assert client.post("/sensor-data/upload-csv", files=upload).status_code == 201
            wait_for_spans(collected)
    request = collected.spans["POST /sensor-data"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, CALLER)
    attributes = {each.key: each.value for each in request.attributes}
    assert attributes["http.response.status_code"].int_value == 201
    assert collected.services == {"sensorflow-api", "sensorflow-worker"}


def wait_for_spans(collected: Collector) -> None:
    deadline = time.monotonic() + 60
    while not collected.spans.keys() >= WANTED:
        assert time.monotonic() < deadline, collected.spans.keys()
        time.sleep(0.05)


def test_without_a_collector_there_are_no_spans() -> None:
    with span("any") as opened:
        assert opened is None
    assert not is_tracing()
