"""A proxy to the database that a test can hold at a chosen message, or cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

READ_BYTES = 2**16


@dataclass(frozen=True)
class HoldPoint:
    """Where to hold: the message with `text`, once `after` was sent `times` times before it.

    Both are matched against what one connection of the client sends. From the message on,
    `passing` sends of the client are still forwarded: with 1, the database receives the message and
    the client may die before the response.
    """

    text: bytes
    after: bytes = b""
    times: int = 0
    passing: int = 0


@dataclass
class HoldGate:
    """Matches the point in what one connection sends."""

    point: HoldPoint | None
    seen: int = 0
    left_to_pass: int | None = None

    def holds_before(self, data: bytes) -> bool:
        if self.point is None or self.left_to_pass is not None:
            return False
        self.seen += data.count(self.point.after) if self.point.after else 0
        if self.point.text in data and self.seen >= self.point.times:
            self.left_to_pass = self.point.passing
        return self.left_to_pass == 0

    def holds_after(self) -> bool:
        if not self.left_to_pass:
            return False
        self.left_to_pass -= 1
        return self.left_to_pass == 0


@dataclass
class DatabaseProxy:
    """A proxy in front of the database. At `point` it stops forwarding and sets `held`."""

    target: tuple[str, int]
    point: HoldPoint | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _server: asyncio.Server | None = None
    port: int = 0

    async def listen(self) -> None:
        """Accept connections; after `cut`, again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Close every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self.target)
        self._open |= {writer, up_writer}
        directions = {
            asyncio.create_task(self._pass_up(reader, up_writer)),
            asyncio.create_task(_pass_down(up_reader, writer)),
        }
        _, unfinished = await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for direction in unfinished:
            direction.cancel()
        for end in (writer, up_writer):
            end.transport.abort()
            self._open.discard(end)

    async def _pass_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gate = HoldGate(self.point)
        with suppress(ConnectionError):
            while data := await reader.read(READ_BYTES):
                if gate.holds_before(data):
                    await self._hold()
                writer.write(data)
                await writer.drain()
                if gate.holds_after():
                    await self._hold()

    async def _hold(self) -> None:
        self.held.set()
        await self.released.wait()


async def _pass_down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def database_proxy(
    database_url: str, point: HoldPoint | None = None
) -> AsyncIterator[DatabaseProxy]:
    """A proxy to the database at the URL, cut at the end."""
    parts = urlsplit(database_url)
    proxy = DatabaseProxy((parts.hostname or "127.0.0.1", parts.port or 5432), point)
    await proxy.listen()
    yield proxy
    await proxy.cut()
