"""Which way the files take."""

import os
from contextlib import AbstractAsyncContextManager

from cli.imports.errors import MisuseError
from cli.imports.identity import identity_of
from cli.imports.importer import Importer
from cli.imports.server import ServerImporter
from core.logs import silence_logs
from core.settings import ClientSettings


def chosen_importer(
    server: str | None, options: dict[str, str]
) -> AbstractAsyncContextManager[Importer]:
    """Through the server that is named, else into the configured database.

    Raises MisuseError when nothing says where to go.
    """
    settings = ClientSettings(server_url=server) if server else ClientSettings()
    if settings.server_url is not None:
        return ServerImporter.open(settings.server_url, identity_of(settings), options)
    if not os.environ.get("SENSORFLOW_DATABASE_URL"):
        raise MisuseError(
            "Nothing says where the rows go: name a server (--server URL, or "
            "SENSORFLOW_CLIENT_SERVER_URL), or a database (SENSORFLOW_DATABASE_URL)."
        )
    return _local(options)


def _local(options: dict[str, str]) -> AbstractAsyncContextManager[Importer]:
    from cli.imports.local import LocalImporter  # noqa: PLC0415  # Polars, which a server needs not

    silence_logs()
    return LocalImporter.open(options)
