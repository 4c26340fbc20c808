"""A keep-alive connection for load at a given pace, where an HTTP client costs too much."""

import asyncio
from urllib.parse import urlsplit

from bench.load import CONTENT_LENGTH, HEAD_END

# A response of this size is read without pausing: the client must not be the bottleneck.
BUFFER_BYTES = 2**23


class Connection:
    """Sends one request at a time; connects when needed."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._host, self._port = address.hostname, address.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> int:
        """The status of the response; raises OSError or EOFError when the server disconnects."""
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
) -> int:
    writer.write(request)
    head = await reader.readuntil(HEAD_END)
    length = CONTENT_LENGTH.search(head)
    await reader.readexactly(int(length[1] if length else 0))
    return int(head[9:12])
