"""Which way the files take."""

from contextlib import AbstractAsyncContextManager

from cli.imports.errors import NotSetUpError
from cli.imports.identity import identity_of
from cli.imports.importer import Importer
from cli.imports.server import ServerImporter
from core.settings import ClientSettings


def chosen_importer(server: str | None) -> AbstractAsyncContextManager[Importer]:
    """Through the server that is named. Raises NotSetUpError when nothing says where to go."""
    settings = ClientSettings(server_url=server) if server else ClientSettings()
    if settings.server_url is None:
        raise NotSetUpError(
            "Nothing says where the rows go. Name a server: --server URL, or "
            "SENSORFLOW_CLIENT_SERVER_URL."
        )
    return ServerImporter.open(settings.server_url, identity_of(settings))
