"""The application behind a real HTTP server, in the loop of the tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server
from pydantic import SecretStr

from api.app import create_app
from api.services import ServerSettings
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
from tests.support.ports import free_port
from tests.support.stub_provider import AUDIENCE

UPLOAD_SECRET = "a secret of the tests, long enough"


def server_settings(
    database_url: str,
    issuer: str,
    storage: Path,
    api: ApiSettings | None = None,
    ingest: IngestSettings | None = None,
    *,
    line_protocol: LineProtocolSettings | None = None,
    readings: ReadingSettings | None = None,
) -> ServerSettings:
    return ServerSettings(
        api=api or ApiSettings(),
        auth=AuthSettings(issuer=issuer, audience=AUDIENCE),
        cache=CacheSettings(),
        database=DatabaseSettings(url=SecretStr(database_url)),
        ingest=ingest or IngestSettings(),
        line_protocol=line_protocol or LineProtocolSettings(),
        readings=readings or ReadingSettings(),
        session=SessionSettings(),
        storage=StorageSettings(url=str(storage)),
    )


@asynccontextmanager
async def serving(settings: ServerSettings, port: int | None = None) -> AsyncIterator[str]:
    """The base URL of a server that answers until the block ends."""
    port = port or free_port()
    server = Server(create_app(settings), port=port, interface=Interfaces.ASGI, log_enabled=False)
    task = asyncio.create_task(server.serve())
    try:
        await accepts(port, task)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()  # type: ignore[no-untyped-call]  # granian annotates it not
        await task


async def accepts(port: int, task: "asyncio.Task[None]") -> None:
    """Return when the port takes connections."""
    while not task.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    await task
