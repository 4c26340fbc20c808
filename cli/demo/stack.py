"""The whole platform on this machine: database, identity provider, schema, worker, API."""

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
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
from core.listening import ListenAddress
from core.setting_errors import require_writable
from core.settings import ApiSettings, EmbeddedSettings
from embedded.database import EmbeddedDatabase
from embedded.errors import StartFailedError
from embedded.identity import IdentityProvider, read_accounts
from migrations.runner import upgrade

READY_TIMEOUT_SECONDS = 60
HOST = "127.0.0.1"
PORT_IN_USE_CODES = {"port_in_use", "port_taken"}  # of the database, of the identity provider


class DemoNotReadyError(SensorFlowError):
    """The API did not become ready in time, or it or the worker ended at once."""

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
def running_stack(
    console: Console, settings: EmbeddedSettings, api_settings: ApiSettings
) -> Iterator[Stack]:
    """Everything, embedded database included, while the block runs; stopped in reverse order.

    Raises SettingError when a port is in use or the folder not writable; nothing is started then.
    """
    data_dir = require_writable(settings.data_dir.absolute(), EmbeddedSettings, "data_dir")
    address = _embedded_address("database_port", settings.database_port)
    with ExitStack() as started:
        api = started.enter_context(ListenAddress(HOST, api_settings.port, ApiSettings).listen())
        address.listen().close()
        _embedded_address("idp_port", settings.idp_port).listen().close()
        with console.status("Starting the database"), port_errors(address):
            database = started.enter_context(
                EmbeddedDatabase.start(data_dir / "database", port=settings.database_port)
            )
        console.print(f"  [green]✓[/] database on port {database.port}")
        asyncio.run(upgrade(database.url))
        urls = DatabaseUrls(database.url, asyncio.run(create_service_role(database.url)))
        yield started.enter_context(
            running_platform(console, urls, data_dir, api=api, idp_port=settings.idp_port)
        )


@contextmanager
def running_platform(
    console: Console, urls: DatabaseUrls, data_dir: Path, *, api: socket.socket, idp_port: int
) -> Iterator[Stack]:
    """Identity provider, worker and API on a migrated database.

    `api` listens already and becomes the API's.
    """
    api_port = api.getsockname()[1]
    api_url = f"http://{HOST}:{api_port}"
    with ExitStack() as started:
        with port_errors(_embedded_address("idp_port", idp_port)):
            provider = started.enter_context(
                IdentityProvider.serve(data_dir, port=idp_port, client_origins=[api_url])
            )
        stack = Stack(api_url, provider.issuer, urls.owner, urls.service, data_dir)
        with console.status("Starting the worker and the API"):
            started.enter_context(_worker_and_api(stack, api))
        console.print(f"  [green]✓[/] schema, identity provider, worker, API on port {api_port}")
        yield stack


@contextmanager
def _worker_and_api(stack: Stack, api: socket.socket) -> Iterator[None]:
    """Both, ready. `api` is closed in this process: the port must not outlive the API."""
    logs, environment = stack.data_dir / "logs", environment_of(stack)
    serve = ("serve", "--fd", str(api.fileno()))
    with (
        running(("worker",), environment, logs / "worker.log") as worker,
        running(serve, environment, logs / "serve.log", [api.fileno()]) as server,
    ):
        api.close()
        wait_until_ready(stack.api_url, logs, (worker, server))
        yield


def _embedded_address(field: str, port: int) -> ListenAddress:
    return ListenAddress(HOST, port, EmbeddedSettings, field)


@contextmanager
def port_errors(address: ListenAddress) -> Iterator[None]:
    """Raise SettingError for a port that was free when it was checked and is in use now."""
    try:
        yield
    except StartFailedError as error:
        if error.code not in PORT_IN_USE_CODES:
            raise
        raise address.in_use() from error


def environment_of(stack: Stack) -> dict[str, str]:
    """The settings of the demo's own API and worker."""
    accounts = read_accounts()
    return {
        "SENSORFLOW_DATABASE_URL": stack.service_url,
        "SENSORFLOW_API_PUBLIC_URL": stack.api_url,
        "SENSORFLOW_API_UPLOAD_SECRET": token_hex(),
        "SENSORFLOW_AUTH_ISSUER": stack.issuer,
        "SENSORFLOW_AUTH_AUDIENCE": accounts.audience,
        "SENSORFLOW_AUTH_SHOWN_ACCOUNTS": json.dumps(accounts.passwords),
        "SENSORFLOW_STORAGE_URL": stack.storage_url,
    }


def wait_until_ready(
    api_url: str, logs: Path, processes: "Sequence[subprocess.Popen[bytes]]" = ()
) -> None:
    """Return once the API reports that it, the database and a worker are ready.

    Raises DemoNotReadyError if that takes too long or one of the processes has ended.
    """
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while not _is_ready(api_url):
        if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
            raise DemoNotReadyError(
                f"The API or the worker did not become ready. Their logs are in {logs}."
            )
        time.sleep(0.1)


def _is_ready(api_url: str) -> bool:
    try:
        return httpx2.get(f"{api_url}/health/ready").is_success
    except httpx2.TransportError:
        return False
