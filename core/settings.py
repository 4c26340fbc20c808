"""Settings: one frozen class a concern, read from the environment by the entry point that needs it.

Every variable is `SENSORFLOW_<GROUP>_<FIELD>`; nothing is read at import. A missing or wrong
variable raises pydantic's ValidationError, of which core/setting_errors.py makes one clear line. An
example is what that line proposes; the default is, where there is one.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.readings import parse_earliest
from core.scopes import Scope
from core.setting_types import (
    Address,
    Bytes,
    Connections,
    DatabaseUrl,
    Distance,
    Folder,
    IdTemplate,
    IpAddress,
    Issuer,
    Lifetime,
    LongSecret,
    Number,
    Origin,
    Origins,
    Parameters,
    Port,
    Scopes,
    ScopesByName,
    Seconds,
    Secret,
    StorageUrl,
    Text,
    ValkeyUrl,
    is_loopback,
)

HOW_TO_MAKE = "the output of: openssl rand -hex 32"


def _group(name: str) -> SettingsConfigDict:
    return SettingsConfigDict(
        env_prefix=f"SENSORFLOW_{name}", frozen=True, extra="ignore", env_ignore_empty=True
    )


class DatabaseSettings(BaseSettings):
    """Where the TimescaleDB server is."""

    model_config = _group("DATABASE_")

    url: DatabaseUrl = Field(
        description="postgresql://user:password@host:port/name",
        examples=["postgresql://sensorflow:password@127.0.0.1:5432/sensorflow"],
    )
    pool_size: Annotated[Connections, Field(ge=2)] = Field(
        default=10, description="Connections a process holds at most."
    )
    statement_timeout_seconds: Number = Field(
        default=60, description="A request's statement is cancelled after this long."
    )


class MigrateSettings(BaseSettings):
    """Who `sensorflow migrate` is: the owner of the tables, as the API and the worker are not."""

    model_config = _group("MIGRATE_")

    database_url: DatabaseUrl | None = Field(
        default=None,
        description="The owner's URL, for sensorflow migrate; default: SENSORFLOW_DATABASE_URL.",
        examples=["postgresql://owner:password@127.0.0.1:5432/sensorflow"],
    )


class ApiSettings(BaseSettings):
    """How the HTTP server listens and what it accepts."""

    model_config = _group("API_")

    host: IpAddress = Field(default="127.0.0.1", description="Address to listen on.")
    port: Port = Field(default=8000, description="Port to listen on.")
    naive_timestamps: Literal["utc", "refuse"] = Field(
        default="utc", description="What a timestamp without offset is: UTC, or an error."
    )
    max_upload_bytes: Annotated[Bytes, Field(ge=1)] = Field(
        default=20 * 2**30, description="The largest CSV upload, in bytes."
    )
    upload_secret: LongSecret | None = Field(
        default=None,
        description="Signs upload URLs where the storage is a folder.",
        examples=[HOW_TO_MAKE],
    )
    metrics_token: LongSecret | None = Field(
        default=None,
        description="A bearer token that GET /metrics accepts besides access tokens.",
        examples=[HOW_TO_MAKE],
    )
    public_url: Origin = Field(
        default="http://127.0.0.1:8000", description="Where browsers reach the server."
    )
    max_event_streams: Number = Field(
        default=1000, description="Event streams open in a process; one more is answered 429."
    )
    max_event_streams_per_user: Number = Field(
        default=100, description="Event streams of one user; one more is answered 429."
    )
    max_connections: Number = Field(
        default=20_000, description="Connections open in a process; further ones wait."
    )
    header_timeout_seconds: Seconds = Field(
        default=30, description="A connection closes when no whole request head comes so long."
    )
    body_timeout_seconds: Seconds = Field(
        default=30, description="How long a request waits for the next bytes of its body."
    )
    min_body_rate: Number = Field(
        default=1000, description="Bytes a second, below which a body is too slow after that."
    )
    cors_origins: Origins = Field(
        default=(),
        description="Other origins whose pages may call the API, as a JSON list.",
        examples=['["https://dashboard.example.org"]'],
    )
    readings_per_log_line: Number = Field(
        default=1, description="Stored single readings for which the log has one line."
    )
    drain_seconds: Seconds = Field(
        default=20, description="Requests in flight have so long to end when the server stops."
    )
    trusted_proxies: Annotated[int, Field(ge=0, le=100)] = Field(
        default=0, description="Proxies in front that set X-Forwarded-For and -Proto."
    )

    @property
    def is_local(self) -> bool:
        """Whether browsers reach the server by plain HTTP on their own machine."""
        parts = urlsplit(self.public_url)
        return parts.scheme == "http" and is_loopback(parts.hostname or "")


class AuthSettings(BaseSettings):
    """The OpenID Connect provider: which tokens are accepted, and how users sign in."""

    model_config = _group("AUTH_")

    issuer: Issuer = Field(
        description="Issuer URL; discovery is read below it.",
        examples=["https://id.example.org/realms/sensorflow"],
    )
    audience: Text = Field(
        description="The audience an access token must carry; several are separated by spaces.",
        examples=["sensorflow-api"],
    )
    client_id: Text = Field(
        default="sensorflow", description="Client id of this platform at the provider."
    )
    client_secret: Secret | None = Field(
        default=None,
        description="Client secret; none for a public client.",
        examples=[HOW_TO_MAKE],
    )
    login_scopes: Scopes = Field(
        default=" ".join(("openid profile email", *Scope)),
        description="Scopes that a sign-in requests.",
    )
    login_parameters: Parameters = Field(
        default={},
        description="More parameters of the authorization request, as a JSON object.",
        examples=['{"prompt": "login"}'],
    )
    scope_mapping: ScopesByName = Field(
        default={},
        description="Scopes by the provider's scopes, roles and groups, as a JSON object.",
        examples=['{"sensors.send": ["readings:write"]}'],
    )
    password_login: bool = Field(
        default=True, description="Whether POST /auth/login takes user name and password."
    )
    shown_accounts: Parameters = Field(
        default={},
        description="Accounts that the sign-in page shows everybody, as a JSON object; for demos.",
        examples=['{"guest": "guest-1234"}'],
    )
    influxdb_passwords: Literal["refuse", "token", "provider"] = Field(
        default="refuse",
        description="What a password from a client of InfluxDB is: refused, an access token, or "
        "verified by the provider.",
    )
    max_failures_per_user_and_address: Number = Field(
        default=10, description="Failed password sign-ins of one user from one address in a window."
    )
    max_failures_per_user: Number = Field(
        default=100,
        description="Failed password sign-ins of one user from all addresses in a window.",
    )
    max_failures_per_address: Number = Field(
        default=50, description="Failed password sign-ins from one address in a window."
    )
    failure_window: Lifetime = Field(
        default=timedelta(minutes=15),
        description="How long failed sign-ins are counted.",
        examples=["PT15M"],
    )


class SessionSettings(BaseSettings):
    """Sessions: their lifetime, their store, their cookie."""

    model_config = _group("SESSION_")

    idle_lifetime: Lifetime = Field(
        default=timedelta(hours=2),
        description="A session ends after this long without a request.",
        examples=["PT2H"],
    )
    lifetime: Lifetime = Field(
        default=timedelta(hours=12),
        description="A session ends this long after the sign-in.",
        examples=["PT12H"],
    )
    cookie_host_prefix: bool = Field(
        default=False, description="Whether the cookie is named __Host-Authentication."
    )
    valkey_url: ValkeyUrl | None = Field(
        default=None,
        description="The Valkey that stores sessions and cached aggregate responses.",
        examples=["valkey://user:password@127.0.0.1:6379/0"],
    )


class CacheSettings(BaseSettings):
    """The cache of aggregate responses."""

    model_config = _group("CACHE_")

    max_bytes: Bytes = Field(
        default=64 * 2**20,
        description="Aggregate responses that a process caches in memory, in bytes.",
    )
    max_answer_bytes: Bytes = Field(
        default=8 * 2**20,
        description="The largest aggregate response that is cached, in bytes; 0: none.",
    )


class StorageSettings(BaseSettings):
    """Where uploaded files and rejects are stored."""

    model_config = _group("STORAGE_")

    url: StorageUrl = Field(
        description="A folder, file:///path, or s3://bucket/prefix.",
        examples=["/var/lib/sensorflow"],
    )


class WorkerSettings(BaseSettings):
    """How the worker claims and retries jobs, and refreshes rollups."""

    model_config = _group("WORKER_")

    max_attempts: Number = Field(
        default=5, description="Attempts without progress after which an import is failed."
    )
    lease_seconds: Seconds = Field(
        default=30,
        description="Seconds without heartbeat after which another worker takes a job over.",
    )
    refresh_interval_seconds: Seconds = Field(
        default=5, description="Seconds between refreshes of the rollups of late rows."
    )
    bi_max_transaction_seconds: Seconds = Field(
        default=600,
        description="Seconds after which the worker ends a transaction of a BI login.",
    )
    max_inflated_bytes: Annotated[Bytes, Field(ge=1)] = Field(
        default=200 * 2**30, description="The largest size a compressed upload may inflate to."
    )
    metrics_address: Address | None = Field(
        default=None,
        description="Address and port of the worker's metrics; none: they are not served.",
        examples=["127.0.0.1:9464"],
    )


class ReadingSettings(BaseSettings):
    """Validation of readings, the same for every way of ingest."""

    model_config = _group("READINGS_")

    max_future: Distance = Field(
        default=timedelta(days=1),
        description="How far ahead of now a timestamp may lie; seconds, or like P1D.",
        examples=["P1D"],
    )
    earliest: Annotated[datetime, BeforeValidator(parse_earliest)] = Field(
        default=datetime(2000, 1, 1, tzinfo=UTC),
        description="The earliest plausible timestamp: a date, or with time and offset.",
    )


class IngestSettings(BaseSettings):
    """Group commit: single readings share transactions; each batch has its own."""

    model_config = _group("INGEST_")

    writers: Connections = Field(
        default=2, description="Transactions with single readings at one time at most."
    )
    max_batch_readings: Number = Field(
        default=1000, description="Single readings in one transaction at most."
    )
    max_waiting_readings: Number = Field(
        default=20_000, description="Single readings in flight; one more is answered 429."
    )
    batch_writers: Connections = Field(
        default=2, description="Transactions with batches at one time at most."
    )
    max_waiting_batches: Number = Field(
        default=16, description="Batches in flight; one more is answered 429."
    )


class ClientSettings(BaseSettings):
    """The server to which `sensorflow import` sends files, and its client at the provider."""

    model_config = _group("CLIENT_")

    server_url: Origin | None = Field(
        default=None,
        description="The server to send files to, where --server names none.",
        examples=["https://sensors.example.org"],
    )
    issuer: Issuer | None = Field(
        default=None,
        description="Issuer URL of the identity provider.",
        examples=["https://id.example.org/realms/sensorflow"],
    )
    id: Text | None = Field(
        default=None,
        description="Client id that requests access tokens.",
        examples=["sensor-gateway"],
    )
    secret: Secret | None = Field(
        default=None, description="Client secret.", examples=[HOW_TO_MAKE]
    )
    scope: Scopes = Field(
        default=f"{Scope.IMPORTS_WRITE} {Scope.IMPORTS_READ}",
        description="Scopes that it requests.",
    )
    token: Secret | None = Field(
        default=None,
        description="An access token to send instead of requesting one.",
        examples=["an access token of your provider"],
    )


class LineProtocolSettings(BaseSettings):
    """How points in InfluxDB's line protocol become readings."""

    model_config = _group("LINE_PROTOCOL_")

    equipment_id: IdTemplate = Field(
        default="{series} {field}",
        description="A field's equipment id, of {series}, {measurement}, {field}, {tags.NAME}.",
    )
    numeric_strings: bool = Field(
        default=False, description="Whether a string that holds a number is read as that number."
    )


class EmbeddedSettings(BaseSettings):
    """The zero-Docker stack: ports and the folder that holds its data."""

    model_config = _group("")

    data_dir: Folder = Field(default=Path("data"), description="Folder of the demo's data.")
    database_port: Port = Field(default=5433, description="Port of the embedded database.")
    idp_port: Port = Field(default=8081, description="Port of the development identity provider.")
