import asyncio
import os
import resource
import socket
from typing import TYPE_CHECKING

import structlog
import uvloop
from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.errors import FatalError
from granian.log import LogLevels
from granian.server.embed import Server

from cli.stopping import exit_when_asked, stop_when_asked
from core.listening import BACKLOG, ListenAddress
from core.setting_errors import require
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

if TYPE_CHECKING:
    from litestar import Litestar

SETTINGS = (
    DatabaseSettings,
    AuthSettings,
    StorageSettings,
    ApiSettings,
    CacheSettings,
    IngestSettings,
    LineProtocolSettings,
    ReadingSettings,
    SessionSettings,
)

# Gateways keep their connections open, and Granian leaves those beyond its limit, 1,024 by default,
# without a response.
MAX_CONNECTIONS = 20_000
RESERVED_FILES = 200

CLEANUP_SECONDS = 5  # for the connections of the database, after the last request

log = structlog.get_logger()


class _ExclusiveServer(Server):
    """Granian in this process, on a socket that it does not share."""

    def __init__(self, app: "Litestar", listener: socket.socket) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGI,
            backlog=BACKLOG,
            backpressure=_allow_connections(),
            log_level=LogLevels.error,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        """Take ours; Granian would open one for sharing, at which any number of servers can be."""
        self._shd = SocketHolder(self._listener.detach(), False, BACKLOG)  # type: ignore[assignment,call-arg]  # its stubs lack it


def serve_api(inherited: int | None = None) -> None:
    """Serve api/ over HTTP until SIGTERM or SIGINT; requests under way are finished first.

    The listening socket is the `inherited` file descriptor, or a new one at the settings' address.
    Before the application is loaded, what can be wrong with settings and address is told. Exits
    with 1 if the application does not start.
    """
    exit_when_asked()
    require(*SETTINGS)
    settings = ApiSettings()
    Storage.open(StorageSettings())
    listener = _listener(settings, inherited)
    from api.app import from_environment  # noqa: PLC0415  # it takes a second or more

    if not uvloop.run(_serve(_ExclusiveServer(from_environment(), listener), settings)):
        os._exit(0)  # threads of Granian hold what was cut off, and need the interpreter


def _listener(settings: ApiSettings, inherited: int | None) -> socket.socket:
    if inherited is None:
        return ListenAddress(settings.host, settings.port, ApiSettings).listen()
    return socket.socket(fileno=inherited)


async def _serve(server: Server, settings: ApiSettings) -> bool:
    """Serve until a signal; whether every request under way came to its end."""
    stop = stop_when_asked(settings.drain_seconds + CLEANUP_SECONDS)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]  # Granian does not annotate it
    done, _ = await asyncio.wait((serving,), timeout=settings.drain_seconds)
    stopping.cancel()
    if not done:
        log.warning("requests_cut_off", drain_seconds=settings.drain_seconds)
    for task in done:
        _require_started(task)
    return bool(done)


def _require_started(serving: "asyncio.Task[None]") -> None:
    try:
        serving.result()
    except FatalError as error:  # which Granian has logged with its cause
        raise SystemExit(1) from error


def _allow_connections() -> int:
    """The limit on connections: MAX_CONNECTIONS, or what the hard limit on open files allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_CONNECTIONS + RESERVED_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files - RESERVED_FILES
