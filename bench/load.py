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
    """What a run has seen: how many of each status, the seconds it took, and each answer.

    `latencies` leaves out the first answer of a connection, for which all of them ask at once.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.statuses.total() / self.seconds

    def milliseconds(self, percent: int) -> float:
        """The latency that `percent` of the answers kept below."""
        return quantiles(self.latencies, n=100)[percent - 1] * 1000


class Client(asyncio.Protocol):
    """A kept-alive connection that sends its next request when the last one is answered."""

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
        """Take note of a whole answer and go on."""
        self._received += data
        head, separator, body = self._received.partition(HEAD_END)
        length = CONTENT_LENGTH.search(head)
        if separator and len(body) >= int(length[1] if length else 0):
            self._load.statuses[int(head[9:12])] += 1
            self._received = b""
            self._take_time()
            self._send_next()

    def connection_lost(self, error: Exception | None) -> None:
        """End; early only if the server hung up."""
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError())

    def _take_time(self) -> None:
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
    """Send every request, each connection one at a time; there are more requests than those."""
    address, seen, waiting = urlsplit(base_url), Load(), iter(requests)
    host, port = str(address.hostname), int(address.port or 80)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: Client(waiting, seen), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.done for _, client in opened))
    seen.seconds = time.perf_counter() - started
    return seen


def post_request(path: str, token: str, content_type: str, body: bytes) -> bytes:
    """The bytes of one POST with a bearer token."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get_request(path: str, token: str, known: str = "") -> bytes:
    """The bytes of one GET with a bearer token, and the entity tag that is known."""
    condition = f"If-None-Match: {known}\r\n" if known else ""
    head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}{condition}\r\n".encode()
