"""The whole platform on this machine: database, identity provider, schema, worker, API."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import httpx2
from rich.console import Console

from cli.demo.processes import running
from cli.demo.service_role import create_service_role
from core.errors import SensorFlowError
from core.settings import EmbeddedSettings
from embedded.database import EmbeddedDatabase
from embedded.identity import IdentityProvider, read_accounts
from migrations.runner import upgrade

READY_TIMEOUT_SECONDS = 60


class DemoNotReadyError(SensorFlowError):
    """The API did not become ready in time."""

    code = "demo_not_ready"


class DatabaseUrls(NamedTuple):
    """Of one database: as its owner, and as the role of the API and the worker."""

    owner: str
    service: str


@dataclass(frozen=True)
class Stack:
    """The addresses of a running demo."""

    api_url: str
    issuer: str
    database_url: str
    service_url: str
    data_dir: Path

    @property
    def storage_url(self) -> str:
        """Where its files are stored."""
        return str(self.data_dir / "objects")


@contextmanager
def running_stack(console: Console, settings: EmbeddedSettings, api_port: int) -> Iterator[Stack]:
    """Everything, embedded database included, while the block runs; stopped in reverse order."""
    data_dir = settings.data_dir.absolute()
    with console.status("Starting the database"):
        database = EmbeddedDatabase.start(data_dir / "database", port=settings.database_port)
    with database:
        console.print(f"  [green]✓[/] database on port {database.port}")
        asyncio.run(upgrade(database.url))
        urls = DatabaseUrls(database.url, asyncio.run(create_service_role(database.url)))
        with running_platform(
            console, urls, data_dir, api_port=api_port, idp_port=settings.idp_port
        ) as stack:
            yield stack


@contextmanager
def running_platform(
    console: Console, urls: DatabaseUrls, data_dir: Path, *, api_port: int, idp_port: int
) -> Iterator[Stack]:
    """Identity provider, worker and API on a migrated database."""
    api_url = f"http://127.0.0.1:{api_port}"
    with ExitStack() as started:
        provider = started.enter_context(
            IdentityProvider.serve(data_dir, port=idp_port, client_origins=[api_url])
        )
        stack = Stack(api_url, provider.issuer, urls.owner, urls.service, data_dir)
        for command in ("worker", "serve"):
            log_path = data_dir / "logs" / f"{command}.log"
            environment = environment_of(stack) | {"SENSORFLOW_API_PORT": str(api_port)}
            started.enter_context(running(command, environment, log_path))
        with console.status("Starting the worker and the API"):
            wait_until_ready(api_url, data_dir / "logs")
        console.print(f"  [green]✓[/] schema, identity provider, worker, API on port {api_port}")
        yield stack


def environment_of(stack: Stack) -> dict[str, str]:
    """The settings of the demo's own API and worker."""
    return {
        "SENSORFLOW_DATABASE_URL": stack.service_url,
        "SENSORFLOW_API_PUBLIC_URL": stack.api_url,
        "SENSORFLOW_API_UPLOAD_SECRET": token_hex(),
        "SENSORFLOW_AUTH_ISSUER": stack.issuer,
        "SENSORFLOW_AUTH_AUDIENCE": read_accounts().audience,
        "SENSORFLOW_STORAGE_URL": stack.storage_url,
    }


def wait_until_ready(api_url: str, logs: Path) -> None:
    """Return once the API reports that it, the database and a worker are ready."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while not _is_ready(api_url):
        if time.monotonic() > deadline:
            raise DemoNotReadyError(
                f"The API was not ready after {READY_TIMEOUT_SECONDS} s. Its log and the "
                f"worker's are in {logs}."
            )
        time.sleep(0.1)


def _is_ready(api_url: str) -> bool:
    try:
        return httpx2.get(f"{api_url}/health/ready").is_success
    except httpx2.TransportError:
        return False
