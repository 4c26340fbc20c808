"""Settings: one frozen class a concern, read from the environment by the entry point that needs it.

Every variable is `SENSORFLOW_<GROUP>_<FIELD>`; nothing is read at import. A missing or wrong
variable raises pydantic's ValidationError, which the command line turns into one clear line each.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PostgresDsn, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]


def _postgresql_url(url: SecretStr) -> SecretStr:
    PostgresDsn(url.get_secret_value())
    return url


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


class AuthSettings(BaseSettings):
    """The OpenID Connect provider whose access tokens are accepted."""

    model_config = _group("AUTH_")

    issuer: str = Field(description="Issuer URL; discovery is read below it.")
    audience: str = Field(description="The audience an access token must carry.")


class StorageSettings(BaseSettings):
    """Where uploaded files and rejects are kept."""

    model_config = _group("STORAGE_")

    url: str = Field(description="A folder, file:///path, or s3://bucket/prefix.")


class WorkerSettings(BaseSettings):
    """How the worker takes and retries jobs."""

    model_config = _group("WORKER_")

    max_attempts: int = Field(
        default=5, ge=1, description="An import that crashed the worker this often is failed."
    )
    lease_seconds: float = Field(
        default=30, gt=0, description="Silence after which another worker takes a job over."
    )
    refresh_interval_seconds: float = Field(
        default=5, gt=0, description="How often late rows are looked for and rolled up."
    )
    max_inflated_bytes: int = Field(
        default=200 * 2**30,
        ge=1,
        description="The largest size a compressed upload may inflate to.",
    )


class ReadingSettings(BaseSettings):
    """What a reading must satisfy, on every way in."""

    model_config = _group("READINGS_")

    max_future: timedelta = Field(
        default=timedelta(days=1),
        description="How far ahead of now a timestamp may lie; seconds, or like P1D.",
    )


class IngestSettings(BaseSettings):
    """How single readings are gathered into transactions."""

    model_config = _group("INGEST_")

    writers: int = Field(
        default=2, ge=1, description="Transactions with single readings at one time at most."
    )
    max_batch_readings: int = Field(
        default=1000, ge=1, description="Single readings in one transaction at most."
    )
    max_waiting_readings: int = Field(
        default=20_000, ge=1, description="Single readings under way; one more is answered 429."
    )


class EmbeddedSettings(BaseSettings):
    """The zero-Docker stack: ports and the folder that holds its data."""

    model_config = _group("")

    data_dir: Path = Field(default=Path("data"), description="Folder of the demo's data.")
    database_port: Port = Field(default=5433, description="Port of the embedded database.")
    idp_port: Port = Field(default=8081, description="Port of the development identity provider.")
