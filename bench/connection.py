"""A keep-alive connection for load at a given pace, where an HTTP client costs too much."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from bench.load import CONTENT_LENGTH, HEAD_END

# A response of this size is read without pausing: the client must not be the bottleneck.
BUFFER_BYTES = 2**23
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
LINE_END = b"\r\n"


class Connection:
    """Sends one request at a time; connects when needed, also after the server disconnected."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._host, self._port = address.hostname, address.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> int:
        """The status of the response; raises OSError or EOFError when the server disconnects."""
        status, _ = await self.fetch(request)
        return status

    async def fetch(self, request: bytes) -> tuple[int, bytes]:
        """The status and body of the response; raises as `send` does."""
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                self._host, self._port, limit=BUFFER_BYTES
            )
        try:
            return await _exchange(*self._streams, request)
        except (OSError, EOFError):
            self.close()
            raise

    def close(self) -> None:
        """Disconnect."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    writer.write(request)
    head = await reader.readuntil(HEAD_END)
    status = int(head[9:12])
    if CHUNKED.search(head):
        return status, b"".join([chunk async for chunk in _chunks(reader)])
    length = CONTENT_LENGTH.search(head)
    return status, await reader.readexactly(int(length[1] if length else 0))


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The chunks of a body whose length was not known when it began."""
    while size := int(await reader.readuntil(LINE_END), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(len(LINE_END))
    await reader.readuntil(LINE_END)
