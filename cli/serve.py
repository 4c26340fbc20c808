import asyncio
import os
import resource
import socket
from typing import TYPE_CHECKING

import structlog
import uvloop
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from cli.signals import exit_on_signal, stop_on_signal
from core.listening import BACKLOG, ListenAddress
from core.setting_errors import require_valid
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

RESERVED_FILES = 200

CLEANUP_SECONDS = 8  # after the last request; closing the database pool may take 5 of them

log = structlog.get_logger()


class _ExclusiveServer(Server):
    """Granian in this process, on a listening socket of ours.

    HTTP/1 only: while Granian waits to see which version of HTTP it is, it waits without end.
    """

    def __init__(self, app: "Litestar", listener: socket.socket, settings: ApiSettings) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(round(settings.header_timeout_seconds * 1000)),
            backlog=BACKLOG,
            backpressure=_allow_connections(settings.max_connections),
            log_level=LogLevels.error,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        """Use ours: Granian's have SO_REUSEPORT, so that a second server would share the port."""
        self._shd = SocketHolder(self._listener.detach(), False, BACKLOG)  # type: ignore[assignment,call-arg]  # its stubs lack it


def serve_api(inherited: int | None = None) -> None:
    """Serve api/ over HTTP until SIGTERM or SIGINT; requests in flight are finished first.

    The listening socket is the `inherited` file descriptor, or a new one. Raises SettingError
    before it imports the application.
    """
    exit_on_signal()
    require_valid(*SETTINGS)
    settings = ApiSettings()
    Storage.open(StorageSettings())
    listener = _listener(settings, inherited)
    from api.app import from_environment  # noqa: PLC0415  # it takes a second or more

    uvloop.run(_serve(from_environment(), listener, settings))


def _listener(settings: ApiSettings, inherited: int | None) -> socket.socket:
    if inherited is None:
        return ListenAddress(settings.host, settings.port, ApiSettings).listen()
    return socket.socket(fileno=inherited)


async def _serve(app: "Litestar", listener: socket.socket, settings: ApiSettings) -> None:
    drain_seconds = settings.drain_seconds
    stop = stop_on_signal(drain_seconds + CLEANUP_SECONDS)
    async with app.lifespan():
        server = _ExclusiveServer(app, listener, settings)
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        server.stop()  # type: ignore[no-untyped-call]  # Granian does not annotate it
        ended, cut_off = await asyncio.wait((serving,), timeout=drain_seconds)
    for task in ended:
        task.result()
    if cut_off:
        log.warning("requests_cut_off", drain_seconds=drain_seconds)
        os._exit(0)  # Granian's threads still hold them and would crash without the interpreter


def _allow_connections(wanted: int) -> int:
    """The limit on connections: as many as wanted, or as the hard limit on open files allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + RESERVED_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files - RESERVED_FILES
