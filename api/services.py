"""The services of the handlers, built once a process, and their injection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any

from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import Dependencies
from prometheus_client import CollectorRegistry

from api.aggregates.cache import open_result_cache
from api.aggregates.files import AggregateFileService
from api.aggregates.metrics import AggregateMetrics
from api.aggregates.repository import AggregateRepository
from api.aggregates.service import AggregateService
from api.audits.metrics import AuditMetrics
from api.audits.service import AuditService
from api.auth.authentication import Authenticator
from api.auth.client_address import ClientAddressResolver
from api.auth.cookies import AuthCookies
from api.auth.csrf import CsrfPolicy
from api.auth.discovery import DiscoveryCache
from api.auth.id_tokens import IdTokenVerifier
from api.auth.influxdb_passwords import InfluxDBPasswords, PasswordVerifier
from api.auth.jwks import JwksCache
from api.auth.login_throttling import LoginThrottle
from api.auth.oidc_client import OidcClient
from api.auth.password_grant import PasswordGrant
from api.auth.provider_client import ProviderClient
from api.auth.repository import LoginFailureRepository, RevokedTokenRepository, SignInRepository
from api.auth.service import SignInService, sign_in_options
from api.auth.session_store import open_session_store
from api.auth.sessions import Sessions
from api.auth.tokens import AccessTokenVerifier
from api.batches.service import BatchService
from api.dashboard.files import BuiltFiles, built_files
from api.equipment.repository import EquipmentRepository
from api.equipment.service import EquipmentService
from api.exports.repository import ExportRepository
from api.exports.service import ExportService
from api.files.running import RunningExports
from api.health.metrics import DatabaseConnections, WorkCollector
from api.health.repository import HealthRepository
from api.health.service import HealthService
from api.http.server_sent_events import EventStreams
from api.http.shutdown_signal import on_shutdown_signal
from api.imports.previews import PreviewService
from api.imports.rejects_resubmission import RejectsResubmissionService
from api.imports.service import ImportService
from api.imports.services import import_services
from api.imports.uploads import UploadService
from api.influxdb.service import InfluxDBService
from api.latest.repository import LatestRepository
from api.latest.service import LatestService
from api.line_protocol.service import LineProtocolService
from api.live.feed import LiveFeed
from api.live.listener import Listener
from api.live.service import LiveService
from api.readings.batch_writer import BatchWriter
from api.readings.group_commit import GroupCommit
from api.readings.metrics import IngestMetrics
from api.readings.repository import ReadingRepository
from api.readings.service import ReadingService
from api.system.repository import SystemRepository
from api.system.service import SystemService
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

    authenticator: Authenticator
    auth_cookies: AuthCookies
    client_addresses: ClientAddressResolver
    sign_in: SignInService
    aggregates: AggregateService
    aggregate_files: AggregateFileService
    audits: AuditService
    batches: BatchService
    batch_writer: BatchWriter
    dashboard: BuiltFiles
    equipment: EquipmentService
    exports: ExportService
    health: HealthService
    imports: ImportService
    influxdb: InfluxDBService
    latest: LatestService
    points: LineProtocolService
    live: LiveService
    previews: PreviewService
    readings: ReadingService
    resubmissions: RejectsResubmissionService
    streams: EventStreams
    system: SystemService
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
        DatabaseConnections(registry, pool, engine)
        repository = ReadingRepository(pool)
        batch_writer = BatchWriter(repository, settings.ingest, ingest_metrics)
        group_commit = GroupCommit(repository.save, settings.ingest, ingest_metrics)
        resources.push_async_callback(group_commit.close)
        http = await resources.enter_async_context(ProviderClient())
        importing = import_services(engine, Storage.open(settings.storage), settings.api)
        resources.push_async_callback(importing.progress_feed.stop)
        resources.enter_context(on_shutdown_signal(importing.progress_feed.close))
        live_feed = LiveFeed()
        resources.enter_context(on_shutdown_signal(live_feed.close))
        listener = Listener(settings.database, live_feed)
        resources.push_async_callback(listener.close)
        auth = await resources.enter_async_context(_open_auth(settings, pool, http))
        aggregate_metrics = AggregateMetrics(registry)
        result_cache = await resources.enter_async_context(
            open_result_cache(settings.cache, settings.session, aggregate_metrics)
        )
        running_exports = RunningExports(_max_running_exports(settings.database))
        health = HealthService(HealthRepository(pool), WorkCollector(registry))
        yield Services(
            authenticator=auth.authenticator,
            auth_cookies=auth.cookies,
            client_addresses=ClientAddressResolver(settings.api.trusted_proxies),
            sign_in=auth.sign_in,
            aggregates=AggregateService(AggregateRepository(pool), result_cache, aggregate_metrics),
            aggregate_files=AggregateFileService(
                AggregateRepository(pool), running_exports, aggregate_metrics
            ),
            audits=AuditService(pool, AuditMetrics(registry)),
            batches=BatchService(batch_writer, settings.api, settings.readings),
            batch_writer=batch_writer,
            dashboard=built_files(),
            equipment=EquipmentService(EquipmentRepository(engine, pool)),
            exports=ExportService(ExportRepository(pool), running_exports),
            health=health,
            imports=importing.imports,
            influxdb=InfluxDBService(health),
            latest=LatestService(LatestRepository(pool)),
            points=LineProtocolService(
                batch_writer, ingest_metrics, settings.line_protocol, settings.readings
            ),
            live=LiveService(live_feed, listener),
            previews=PreviewService(settings.readings),
            readings=ReadingService(
                group_commit, batch_writer, ingest_metrics, settings.api, settings.readings
            ),
            resubmissions=importing.resubmissions,
            streams=EventStreams(
                settings.api.max_event_streams, settings.api.max_event_streams_per_user
            ),
            system=SystemService(SystemRepository(pool)),
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


@dataclass(frozen=True, slots=True)
class _Auth:
    """The services of authentication and sign-in, which share their keys and their sessions."""

    authenticator: Authenticator
    cookies: AuthCookies
    sign_in: SignInService


@asynccontextmanager
async def _open_auth(
    settings: ServerSettings, pool: Pool, http: ProviderClient
) -> AsyncIterator[_Auth]:
    api, auth, session = settings.api, settings.auth, settings.session
    jwks, discovery = JwksCache(auth.issuer, http), DiscoveryCache(auth.issuer, http)
    revoked_tokens = RevokedTokenRepository(pool)
    access_tokens = AccessTokenVerifier(auth, jwks, revoked_tokens.is_revoked)
    id_tokens = IdTokenVerifier(auth, jwks)
    client = OidcClient(auth, discovery, api.public_url)
    password_grant = PasswordGrant(client, LoginThrottle(auth, LoginFailureRepository(pool)))
    influxdb_passwords = InfluxDBPasswords(
        auth.influxdb_passwords,
        access_tokens,
        PasswordVerifier(password_grant, access_tokens),
        ClientAddressResolver(api.trusted_proxies),
    )
    cookies, csrf = AuthCookies(api, session), CsrfPolicy(api)
    async with AsyncExitStack() as resources:
        resources.push_async_callback(jwks.close)
        resources.push_async_callback(discovery.close)
        store = await resources.enter_async_context(
            open_session_store(auth, session, pool, revoked_tokens)
        )
        sessions = Sessions(session, store, client, access_tokens, id_tokens)
        sign_in = SignInService(
            options=sign_in_options(auth),
            public_url=api.public_url,
            csrf=csrf,
            client=client,
            sessions=sessions,
            session_store=store,
            sign_ins=SignInRepository(pool),
            revoked_tokens=revoked_tokens,
            password_grant=password_grant,
            access_tokens=access_tokens,
            id_tokens=id_tokens,
        )
        yield _Auth(
            authenticator=Authenticator(
                access_tokens=access_tokens,
                influxdb_passwords=influxdb_passwords,
                sessions=sessions,
                cookies=cookies,
                csrf=csrf,
                metrics_token=api.metrics_token,
            ),
            cookies=cookies,
            sign_in=sign_in,
        )


def _max_running_exports(database: DatabaseSettings) -> int:
    """A third of the pool: the other connections are for short requests."""
    return max(1, database.pool_size // 3)


async def _close_pool(pool: Pool) -> None:
    try:
        async with asyncio.timeout(POOL_CLOSE_TIMEOUT_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()
