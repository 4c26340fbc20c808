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

NEEDED = (
    DatabaseSettings,
    AuthSettings,
    StorageSettings,
    IngestSettings,
    LineProtocolSettings,
    ReadingSettings,
    SessionSettings,
)

# Gateways keep their connections open, and Granian leaves those beyond its limit, which is 1,024 by
# itself, without an answer.
MAX_CONNECTIONS = 20_000
OTHER_FILES = 200


def serve_api() -> None:
    """Serve api/ over HTTP until SIGTERM or SIGINT; requests under way are finished first.

    Every setting is checked here, before the server's own process starts and reads them again.
    """
    for group in NEEDED:
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
    """How many connections may be open: as many as wanted, if the hard limit allows it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_CONNECTIONS + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files - OTHER_FILES
