"""Settings: one frozen class a concern, read from the environment by the entry point that needs it.

Every variable is `SENSORFLOW_<GROUP>_<FIELD>`; nothing is read at import. A missing or wrong
variable raises pydantic's ValidationError, which the command line turns into one clear line each.
"""

import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PostgresDsn, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.readings import parse_earliest
from core.scopes import Scope

PLACEHOLDER = re.compile(r"\{(series|measurement|field|tags\.[^{}]+)\}")

Port = Annotated[int, Field(ge=0, le=65535)]


def _postgresql_url(url: SecretStr) -> SecretStr:
    PostgresDsn(url.get_secret_value())
    return url


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or url.rstrip("/") != (f"{parts.scheme}://{parts.netloc}")
    ):
        raise ValueError("Give scheme, host and port only, such as https://sensors.example.org")
    return url.rstrip("/").lower()


def _positive(span: timedelta) -> timedelta:
    if span <= timedelta():
        raise ValueError("Give a duration above zero")
    return span


def _valkey_url(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    known = parts.scheme in {"valkey", "valkeys", "redis", "rediss"}
    if not known or not parts.hostname or parts.port == 0:
        raise ValueError("Give valkey://user:password@host:port/number, or valkeys:// for TLS")
    return url


Origin = Annotated[str, AfterValidator(_origin)]
Lifetime = Annotated[timedelta, AfterValidator(_positive)]
ValkeyUrl = Annotated[SecretStr, AfterValidator(_valkey_url)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_postgresql_url)]


def _group(name: str) -> SettingsConfigDict:
    return SettingsConfigDict(env_prefix=f"SENSORFLOW_{name}", frozen=True, extra="ignore")


class DatabaseSettings(BaseSettings):
    """Where the TimescaleDB server is."""

    model_config = _group("DATABASE_")

    url: DatabaseUrl = Field(description="postgresql://user:password@host:port/name")
    pool_size: int = Field(default=10, ge=2, description="Connections a process holds at most.")
    statement_timeout_seconds: int = Field(
        default=60, ge=1, description="A request's statement is cancelled after this long."
    )


class ApiSettings(BaseSettings):
    """How the HTTP server listens and what it accepts."""

    model_config = _group("API_")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: Port = Field(default=8000, description="Port to listen on.")
    naive_timestamps: Literal["utc", "refuse"] = Field(
        default="utc", description="What a timestamp without offset is: UTC, or an error."
    )
    max_upload_bytes: int = Field(
        default=20 * 2**30, ge=1, description="The largest CSV upload, in bytes."
    )
    upload_secret: Annotated[SecretStr, Field(min_length=32)] | None = Field(
        default=None, description="Signs upload URLs where the storage is a folder."
    )
    public_url: Origin = Field(
        default="http://127.0.0.1:8000", description="Where browsers reach the server."
    )
    max_event_streams: int = Field(
        default=1000, ge=1, description="Event streams open in a process; one more is answered 429."
    )
    max_event_streams_per_user: int = Field(
        default=100, ge=1, description="Event streams of one user; one more is answered 429."
    )
    max_connections: int = Field(
        default=20_000, ge=1, description="Connections open in a process; further ones wait."
    )
    head_patience_seconds: float = Field(
        default=30,
        gt=0,
        description="A connection closes when no whole request head comes so long.",
    )
    body_patience_seconds: float = Field(
        default=30, gt=0, description="How long a request waits for the next bytes of its body."
    )
    min_body_rate: int = Field(
        default=1000, ge=1, description="Bytes a second, below which a body is too slow after that."
    )
    cors_origins: tuple[Origin, ...] = Field(
        default=(), description="Other origins whose pages may call the API, as a JSON list."
    )
    trusted_proxies: int = Field(
        default=0, ge=0, description="Proxies in front that set X-Forwarded-For and -Proto."
    )

    @property
    def is_local(self) -> bool:
        """Whether browsers reach the server by plain HTTP on their own machine."""
        parts = urlsplit(self.public_url)
        return parts.scheme == "http" and _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class AuthSettings(BaseSettings):
    """The OpenID Connect provider: which tokens are accepted, and how users sign in."""

    model_config = _group("AUTH_")

    issuer: str = Field(description="Issuer URL; discovery is read below it.")
    audience: str = Field(
        description="The audience an access token must carry; several are separated by spaces."
    )
    client_id: str = Field(
        default="sensorflow", description="Client id of this platform at the provider."
    )
    client_secret: SecretStr | None = Field(
        default=None, description="Client secret; none for a public client."
    )
    login_scopes: str = Field(
        default=" ".join(("openid profile email", *Scope)),
        description="Scopes that a sign-in requests.",
    )
    login_parameters: dict[str, str] = Field(
        default={}, description="More parameters of the authorization request, as a JSON object."
    )
    scope_mapping: dict[str, frozenset[Scope]] = Field(
        default={},
        description="Scopes by the provider's scopes, roles and groups, as a JSON object.",
    )
    password_login: bool = Field(
        default=True, description="Whether POST /auth/login takes user name and password."
    )
    max_failures_per_user_and_address: int = Field(
        default=10,
        ge=1,
        description="Failed password sign-ins of one user from one address in a window.",
    )
    max_failures_per_user: int = Field(
        default=100,
        ge=1,
        description="Failed password sign-ins of one user from all addresses in a window.",
    )
    max_failures_per_address: int = Field(
        default=50, ge=1, description="Failed password sign-ins from one address in a window."
    )
    failure_window: Lifetime = Field(
        default=timedelta(minutes=15), description="How long failed sign-ins are counted."
    )


class SessionSettings(BaseSettings):
    """Sessions: their lifetime, their store, their cookie."""

    model_config = _group("SESSION_")

    idle_lifetime: Lifetime = Field(
        default=timedelta(hours=2), description="A session ends after this long without a request."
    )
    lifetime: Lifetime = Field(
        default=timedelta(hours=12), description="A session ends this long after the sign-in."
    )
    cookie_host_prefix: bool = Field(
        default=False, description="Whether the cookie is named __Host-Authentication."
    )
    valkey_url: ValkeyUrl | None = Field(
        default=None,
        description="The Valkey that stores sessions and cached aggregate responses.",
    )


class CacheSettings(BaseSettings):
    """The cache of aggregate responses."""

    model_config = _group("CACHE_")

    max_bytes: int = Field(
        default=64 * 2**20,
        ge=0,
        description="Aggregate responses that a process caches in memory, in bytes.",
    )
    max_answer_bytes: int = Field(
        default=8 * 2**20,
        ge=0,
        description="The largest aggregate response that is cached, in bytes; 0: none.",
    )


class StorageSettings(BaseSettings):
    """Where uploaded files and rejects are stored."""

    model_config = _group("STORAGE_")

    url: str = Field(description="A folder, file:///path, or s3://bucket/prefix.")


class WorkerSettings(BaseSettings):
    """How the worker claims and retries jobs, and refreshes rollups."""

    model_config = _group("WORKER_")

    max_attempts: int = Field(
        default=5,
        ge=1,
        description="Attempts without progress after which an import is failed.",
    )
    lease_seconds: float = Field(
        default=30,
        gt=0,
        description="Seconds without heartbeat after which another worker takes a job over.",
    )
    refresh_interval_seconds: float = Field(
        default=5, gt=0, description="Seconds between refreshes of the rollups of late rows."
    )
    max_inflated_bytes: int = Field(
        default=200 * 2**30,
        ge=1,
        description="The largest size a compressed upload may inflate to.",
    )


class ReadingSettings(BaseSettings):
    """Validation of readings, the same for every way of ingest."""

    model_config = _group("READINGS_")

    max_future: timedelta = Field(
        default=timedelta(days=1),
        description="How far ahead of now a timestamp may lie; seconds, or like P1D.",
    )
    earliest: Annotated[datetime, BeforeValidator(parse_earliest)] = Field(
        default=datetime(2000, 1, 1, tzinfo=UTC),
        description="The earliest plausible timestamp: a date, or with time and offset.",
    )


class IngestSettings(BaseSettings):
    """Group commit: single readings share transactions; each batch has its own."""

    model_config = _group("INGEST_")

    writers: int = Field(
        default=2, ge=1, description="Transactions with single readings at one time at most."
    )
    max_batch_readings: int = Field(
        default=1000, ge=1, description="Single readings in one transaction at most."
    )
    max_waiting_readings: int = Field(
        default=20_000, ge=1, description="Single readings in flight; one more is answered 429."
    )
    batch_writers: int = Field(
        default=2, ge=1, description="Transactions with batches at one time at most."
    )
    max_waiting_batches: int = Field(
        default=16, ge=1, description="Batches in flight; one more is answered 429."
    )


class ClientSettings(BaseSettings):
    """The server to which `sensorflow import` sends files, and its client at the provider."""

    model_config = _group("CLIENT_")

    server_url: Origin | None = Field(
        default=None, description="The server to send files to, where --server names none."
    )
    issuer: str | None = Field(default=None, description="Issuer URL of the identity provider.")
    id: str | None = Field(default=None, description="Client id that requests access tokens.")
    secret: SecretStr | None = Field(default=None, description="Client secret.")
    scope: str = Field(
        default=f"{Scope.IMPORTS_WRITE} {Scope.IMPORTS_READ}",
        description="Scopes that it requests.",
    )
    token: SecretStr | None = Field(
        default=None, description="An access token to send instead of requesting one."
    )


def _template(text: str) -> str:
    if not PLACEHOLDER.search(text) or "{" in PLACEHOLDER.sub("", text):
        raise ValueError("Use {series}, {measurement}, {field} and {tags.NAME}")
    return text


class LineProtocolSettings(BaseSettings):
    """How points in InfluxDB's line protocol become readings."""

    model_config = _group("LINE_PROTOCOL_")

    equipment_id: Annotated[str, AfterValidator(_template)] = Field(
        default="{series} {field}",
        description="A field's equipment id, of {series}, {measurement}, {field}, {tags.NAME}.",
    )


class EmbeddedSettings(BaseSettings):
    """The zero-Docker stack: ports and the folder that holds its data."""

    model_config = _group("")

    data_dir: Path = Field(default=Path("data"), description="Folder of the demo's data.")
    database_port: Port = Field(default=5433, description="Port of the embedded database.")
    idp_port: Port = Field(default=8081, description="Port of the development identity provider.")
