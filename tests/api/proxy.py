"""A TCP proxy before the database, to take the database away from one server only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Forwards to the database of `url` while it is not cut."""

    def __init__(self, url: str) -> None:
        self._upstream = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0
        self._chunks_left: int | None = None
        self.delay_seconds = 0.0  # of each chunk, either way

    @property
    def url(self) -> str:
        """The database's URL by way of the proxy."""
        user, _, _ = self._upstream.netloc.rpartition("@")
        return urlunsplit(self._upstream._replace(netloc=f"{user}@127.0.0.1:{self._port}"))

    async def restore(self) -> None:
        """Accept connections, on the port of before."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Close every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
        self.drop()

    def drop(self) -> None:
        """Close every connection; new ones are accepted."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def drop_after(self, chunks: int) -> None:
        """Forward so many more chunks, either way, then drop every connection."""
        self._chunks_left = chunks

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        host, port = self._upstream.hostname, self._upstream.port
        try:
            there_reader, there_writer = await asyncio.open_connection(host, port)
        except OSError:  # as a database that is down refuses
            writer.close()
            return
        self._writers.add(there_writer)
        if writer.is_closing():  # cut in the meantime
            there_writer.close()
        await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                self._count_chunk()
                await asyncio.sleep(self.delay_seconds)
                writer.write(chunk)
                await writer.drain()
        writer.close()

    def _count_chunk(self) -> None:
        if self._chunks_left == 0:
            self._chunks_left = None
            self.drop()
        elif self._chunks_left:
            self._chunks_left -= 1


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy that forwards until it is cut."""
    proxy = Proxy(url)
    await proxy.restore()
    try:
        yield proxy
    finally:
        await proxy.cut()
