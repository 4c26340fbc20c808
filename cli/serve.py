import resource

from granian import Granian
from granian.constants import Interfaces

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

# Gateways keep their connections open, and Granian leaves those beyond its limit, 1,024 by default,
# without a response.
MAX_CONNECTIONS = 20_000
RESERVED_FILES = 200


def serve_api() -> None:
    """Serve api/ over HTTP until SIGTERM or SIGINT; requests in flight are finished first.

    Every setting is validated here, before the server's own process starts and reads it again.
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
        backpressure=_allow_connections(),
    ).serve()


def _allow_connections() -> int:
    """The limit on connections: MAX_CONNECTIONS, or what the hard limit on open files allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_CONNECTIONS + RESERVED_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files - RESERVED_FILES
