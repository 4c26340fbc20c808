"""The composition root: settings in, application out."""

import ctypes
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.di import Provide

from api.aggregates.controller import AggregateController
from api.audits.controller import AuditController
from api.auth.access import enforce_access, require_rules
from api.auth.controller import AuthController
from api.batches.controller import BatchController
from api.dashboard.controller import DashboardController
from api.equipment.controller import EquipmentController
from api.exports.controller import ExportController
from api.health.controller import HealthController
from api.http.body_draining import BodyDraining
from api.http.error_handlers import HANDLERS
from api.http.head_requests import HeadRequests
from api.http.request_body import TextRequest
from api.http.request_body_timeout import BodyTimeout
from api.http.security_headers import SecurityHeaders
from api.imports.controller import ImportController, UploadController
from api.imports.multipart import FORM_OVERHEAD_BYTES
from api.influxdb.controller import InfluxDBController
from api.latest.controller import LatestController
from api.line_protocol.controller import LineProtocolController
from api.live.controller import LiveController
from api.observability import Metrics, Observability, RequestLog
from api.openapi.reference import reference_config
from api.readings.controller import ReadingController
from api.readings.lean_path import LeanPath
from api.services import ServerSettings, dependencies, open_services
from api.system.controller import SystemController
from core.logs import configure_logging
from core.settings import ApiSettings
from core.traces import configure_tracing

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

# A request allocates some hundred objects that live as long as it does. A collection per 700 new
# objects, Python's default, would traverse those of all requests in flight again and again.
OBJECTS_BETWEEN_COLLECTIONS = 10_000

# Parameters of glibc's malloc.h: how much free memory the heap's end may hold, and from what size
# on memory is mapped, and so returned when it is freed.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
RETAINED_BYTES = 2**23


class SensorDataController(ReadingController, ExportController):
    """Readings in and out at one path: of two controllers each would add OPTIONS to it."""


def create_app(settings: ServerSettings) -> Litestar:
    """The application; it starts even if its database and its identity provider are down."""
    metrics = Metrics()
    app = Litestar(
        [
            HealthController,
            DashboardController,
            AuthController,
            SensorDataController,
            BatchController,
            LineProtocolController,
            InfluxDBController,
            AggregateController,
            AuditController,
            EquipmentController,
            ImportController,
            LatestController,
            LiveController,
            SystemController,
            _upload_router(settings.api.max_upload_bytes),
        ],
        cors_config=_cors(settings.api),
        dependencies={
            **dependencies(),
            "metrics": Provide(lambda: metrics, sync_to_thread=False),
        },
        exception_handlers=HANDLERS,
        guards=[enforce_access],
        lifespan=[_lifespan(settings, metrics)],
        logging_config=None,
        openapi_config=reference_config(),
        request_class=TextRequest,
    )
    require_rules(app)
    lean = LeanPath(app.asgi_handler, app.state)
    served = HeadRequests(BodyDraining(lean, _body_timeout(settings.api)))
    secure = SecurityHeaders(served, settings.api.trusted_proxies)
    log = RequestLog(settings.api.readings_per_log_line)
    app.asgi_handler = Observability(secure, metrics, log)
    return app


def _body_timeout(settings: ApiSettings) -> BodyTimeout:
    return BodyTimeout(settings.body_timeout_seconds, settings.min_body_rate)


def from_environment() -> Litestar:
    """The application configured by the environment: what the server's processes load."""
    configure_logging()
    configure_tracing("sensorflow-api")
    app = create_app(ServerSettings.from_environment())
    _reduce_garbage_collection()
    _retain_freed_memory()
    return app


def _reduce_garbage_collection() -> None:
    """Exclude permanent objects from every collection, which stopped all requests for 80 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


def _retain_freed_memory() -> None:
    """Where the allocator is glibc's, have it reuse the memory of a large response for the next.

    Returned to the system, it is faulted in again page by page: a tenth of the time of a response
    of 5 MB.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, 2 * RETAINED_BYTES)
        mallopt(M_MMAP_THRESHOLD, RETAINED_BYTES)


def _upload_router(max_upload_bytes: int) -> Router:
    return Router(
        "/",
        route_handlers=[UploadController],
        request_max_body_size=max_upload_bytes + FORM_OVERHEAD_BYTES,
    )


def _cors(settings: ApiSettings) -> CORSConfig | None:
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
        allow_credentials=True,
    )


def _lifespan(settings: ServerSettings, metrics: Metrics) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_services(settings, metrics.registry) as services:
            app.state.services = services
            yield

    return lifespan
