"""A load generator light enough to share two cores with what it measures."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


@dataclass
class Load:
    """The figures of a run: responses by status, its duration, and the latency of each response.

    `latencies` leaves out the first response of a connection, since all connections send their
    first request at once.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Responses per second."""
        return self.statuses.total() / self.seconds

    def milliseconds(self, percent: int) -> float:
        """The latency percentile."""
        return quantiles(self.latencies, n=100)[percent - 1] * 1000


class Client(asyncio.Protocol):
    """A keep-alive connection that sends its next request after each response."""

    def __init__(self, requests: Iterator[bytes], load: Load) -> None:
        self._requests = requests
        self._load = load
        self._received = b""
        self._sent_at: float | None = None
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = transport
        self._transport.write(next(self._requests))  # type: ignore[attr-defined]  # as below

    def data_received(self, data: bytes) -> None:
        """Record a complete response and send the next request."""
        self._received += data
        head, separator, body = self._received.partition(HEAD_END)
        length = CONTENT_LENGTH.search(head)
        if separator and len(body) >= int(length[1] if length else 0):
            self._load.statuses[int(head[9:12])] += 1
            self._received = b""
            self._record_latency()
            self._send_next()

    def connection_lost(self, error: Exception | None) -> None:
        """End; early only if the server disconnected."""
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError())

    def _record_latency(self) -> None:
        now = time.perf_counter()
        if self._sent_at is not None:
            self._load.latencies.append(now - self._sent_at)
        self._sent_at = now

    def _send_next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._transport.write(request)  # type: ignore[attr-defined]  # a socket's is a WriteTransport


async def load(base_url: str, requests: Sequence[bytes], connections: int) -> Load:
    """Send every request, one at a time per connection; there must be one for each connection."""
    address, figures, remaining = urlsplit(base_url), Load(), iter(requests)
    host, port = str(address.hostname), int(address.port or 80)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: Client(remaining, figures), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.done for _, client in opened))
    figures.seconds = time.perf_counter() - started
    return figures


def post_request(
    path: str, token: str, content_type: str, body: bytes, more_headers: str = ""
) -> bytes:
    """The bytes of one POST with a bearer token; each of the other headers ends its line."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{more_headers}\r\n"
    )
    return head.encode() + body


def get_request(path: str, token: str, etag: str = "") -> bytes:
    """The bytes of one GET with a bearer token, conditional if there is an entity tag."""
    condition = f"If-None-Match: {etag}\r\n" if etag else ""
    head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}{condition}\r\n".encode()
