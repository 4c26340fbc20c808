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
    ).serve()
