"""The services of the handlers, built once a process, and their injection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any

import httpx2
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import Dependencies
from prometheus_client import CollectorRegistry

from api.aggregates.cache import open_keep
from api.aggregates.metrics import AnswerMetrics
from api.aggregates.repository import AggregateRepository
from api.aggregates.service import AggregateService
from api.audits.metrics import AuditMetrics
from api.audits.service import AuditService
from api.auth.authentication import Authenticator
from api.auth.client_address import Addresses
from api.auth.cookies import Cookies
from api.auth.service import SignInService
from api.auth.wiring import open_auth
from api.batches.service import BatchService
from api.equipment.repository import EquipmentRepository
from api.equipment.service import EquipmentService
from api.exports.repository import ExportRepository
from api.exports.service import ExportService
from api.health.repository import HealthRepository
from api.health.service import HealthService
from api.http.server_sent_events import EventStreams
from api.http.shutdown_signal import on_shutdown_signal
from api.imports.rejects_resubmission import RepairService
from api.imports.service import ImportService
from api.imports.services import import_services
from api.imports.uploads import UploadService
from api.influxdb.service import InfluxDBService
from api.line_protocol.service import LineProtocolService
from api.live.feed import LiveFeed
from api.live.listener import Listener
from api.live.service import LiveService
from api.readings.batch_writer import BatchWriter
from api.readings.group_commit import GroupCommit
from api.readings.metrics import IngestMetrics
from api.readings.repository import ReadingRepository
from api.readings.service import ReadingService
from core.database import Pool, control_engine, open_pool
from core.queries import queries
from core.settings import (
    ApiSettings,
    AuthSettings,
    CacheSettings,
    DatabaseSettings,
    IngestSettings,
    LineProtocolSettings,
    ReadingSettings,
    SessionSettings,
    StorageSettings,
)
from core.storage import Storage

PROVIDER_TIMEOUT_SECONDS = 5
POOL_CLOSE_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """All settings of the server."""

    api: ApiSettings
    auth: AuthSettings
    cache: CacheSettings
    database: DatabaseSettings
    ingest: IngestSettings
    line_protocol: LineProtocolSettings
    readings: ReadingSettings
    session: SessionSettings
    storage: StorageSettings

    @classmethod
    def from_environment(cls) -> "ServerSettings":
        """By the variables SENSORFLOW_*; raises pydantic's ValidationError."""
        return cls(
            ApiSettings(),
            AuthSettings(),
            CacheSettings(),
            DatabaseSettings(),
            IngestSettings(),
            LineProtocolSettings(),
            ReadingSettings(),
            SessionSettings(),
            StorageSettings(),
        )


@dataclass(frozen=True, slots=True)
class Services:
    """One of each, over one pool, one engine, one store."""

    addresses: Addresses
    authenticator: Authenticator
    cookie_jar: Cookies
    sign_in: SignInService
    aggregates: AggregateService
    audits: AuditService
    batches: BatchService
    batch_writer: BatchWriter
    equipment: EquipmentService
    exports: ExportService
    health: HealthService
    imports: ImportService
    influxdb: InfluxDBService
    points: LineProtocolService
    live: LiveService
    readings: ReadingService
    repairs: RepairService
    streams: EventStreams
    uploads: UploadService


@asynccontextmanager
async def open_services(
    settings: ServerSettings, registry: CollectorRegistry
) -> AsyncIterator[Services]:
    """The services, even if the database and the identity provider are down."""
    ingest_metrics = IngestMetrics(registry)
    queries()  # a mistake in the SQL files stops the start, not a request
    async with AsyncExitStack() as resources:
        engine = control_engine(settings.database.url.get_secret_value())
        resources.push_async_callback(engine.dispose)
        pool = await open_pool(settings.database, connections_at_start=0, reset_sessions=False)
        resources.push_async_callback(_close_pool, pool)
        repository = ReadingRepository(pool)
        batch_writer = BatchWriter(repository, settings.ingest, ingest_metrics)
        group_commit = GroupCommit(repository.save, settings.ingest, ingest_metrics)
        resources.push_async_callback(group_commit.close)
        http = await resources.enter_async_context(
            httpx2.AsyncClient(timeout=PROVIDER_TIMEOUT_SECONDS)
        )
        importing = import_services(engine, Storage.open(settings.storage), settings.api)
        resources.push_async_callback(importing.progress_feed.stop)
        resources.enter_context(on_shutdown_signal(importing.progress_feed.close))
        live_feed = LiveFeed()
        resources.enter_context(on_shutdown_signal(live_feed.close))
        listener = Listener(settings.database, live_feed)
        resources.push_async_callback(listener.close)
        auth = await resources.enter_async_context(
            open_auth(settings.api, settings.auth, settings.session, pool, http)
        )
        answer_metrics = AnswerMetrics(registry)
        keep = await resources.enter_async_context(
            open_keep(settings.cache, settings.session, answer_metrics)
        )
        health = HealthService(HealthRepository(pool))
        yield Services(
            addresses=auth.addresses,
            authenticator=auth.authenticator,
            cookie_jar=auth.cookies,
            sign_in=auth.sign_in,
            aggregates=AggregateService(AggregateRepository(pool), keep, answer_metrics),
            audits=AuditService(pool, AuditMetrics(registry)),
            batches=BatchService(batch_writer, settings.api, settings.readings),
            batch_writer=batch_writer,
            equipment=EquipmentService(EquipmentRepository(engine, pool)),
            exports=ExportService(ExportRepository(pool), _max_running_exports(settings.database)),
            health=health,
            imports=importing.imports,
            influxdb=InfluxDBService(health),
            points=LineProtocolService(
                batch_writer, ingest_metrics, settings.line_protocol, settings.readings
            ),
            live=LiveService(live_feed, listener),
            readings=ReadingService(
                group_commit, batch_writer, ingest_metrics, settings.api, settings.readings
            ),
            repairs=importing.resubmissions,
            streams=EventStreams(settings.api.max_event_streams),
            uploads=importing.uploads,
        )


def dependencies() -> Dependencies:
    """The services as dependencies of handlers, by the name of the parameter."""
    names = {field.name for field in fields(Services)} - {"authenticator"}
    return {name: _provide(name) for name in names}


def _provide(name: str) -> Provide:
    def provide(state: State) -> Any:
        return getattr(state.services, name)

    return Provide(provide, sync_to_thread=False)


def _max_running_exports(database: DatabaseSettings) -> int:
    """A third of the pool: the other connections are for short requests."""
    return max(1, database.pool_size // 3)


async def _close_pool(pool: Pool) -> None:
    try:
        async with asyncio.timeout(POOL_CLOSE_TIMEOUT_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()
