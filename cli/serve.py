import resource

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from core.settings import (
    ApiSettings,
    AuthSettings,
    DatabaseSettings,
    IngestSettings,
    LineProtocolSettings,
    ReadingSettings,
    SessionSettings,
    StorageSettings,
)

REQUIRED_SETTINGS = (
    DatabaseSettings,
    AuthSettings,
    StorageSettings,
    IngestSettings,
    LineProtocolSettings,
    ReadingSettings,
    SessionSettings,
)

RESERVED_FILES = 200


def serve_api() -> None:
    """Serve api/ over HTTP until SIGTERM or SIGINT; requests in flight are finished first.

    Every setting is validated here, before the server's own process starts and reads it again.
    HTTP/1 only: while Granian waits to see which version of HTTP it is, it waits without end.
    """
    for group in REQUIRED_SETTINGS:
        group()
    settings = ApiSettings()
    Granian(
        target="api.app:from_environment",
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=settings.port,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(round(settings.head_patience_seconds * 1000)),
        backpressure=_allow_connections(settings.max_connections),
    ).serve()


def _allow_connections(wanted: int) -> int:
    """The limit on connections: as many as wanted, or as the hard limit on open files allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + RESERVED_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files - RESERVED_FILES
