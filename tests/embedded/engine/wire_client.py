"""A client of the frontend/backend protocol that sends the very bytes of a test."""

import socket
import struct
from dataclasses import dataclass
from itertools import takewhile

PROTOCOL_3 = 196608
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102


@dataclass(frozen=True)
class Message:
    """A message of the backend."""

    type: str
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """An error's fields by their code: C is the SQLSTATE, M the text."""
        parts = takewhile(bool, self.body.split(b"\0"))
        return {part[:1].decode(): part[1:].decode() for part in parts}


def message(kind: str, body: bytes = b"") -> bytes:
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def startup(code: int, body: bytes = b"") -> bytes:
    return struct.pack("!ii", len(body) + 8, code) + body


def query(sql: str) -> bytes:
    return message("Q", sql.encode() + b"\0")


def parse(sql: str, name: str = "") -> bytes:
    return message("P", name.encode() + b"\0" + sql.encode() + b"\0\0\0")


def bind(name: str = "", portal: str = "") -> bytes:
    return message("B", portal.encode() + b"\0" + name.encode() + b"\0" + b"\0" * 6)


def describe(name: str = "") -> bytes:
    return message("D", b"S" + name.encode() + b"\0")


def close(name: str = "") -> bytes:
    return message("C", b"S" + name.encode() + b"\0")


EXECUTE = message("E", b"\0" + b"\0" * 4)
SYNC = message("S")
FLUSH = message("H")
TERMINATE = message("X")


class WireClient:
    """One connection to the server."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.parameters: dict[str, str] = {}
        self.pid = 0
        self.secret = 0
        self._buffer = b""

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Send a TCP reset instead of closing the connection in order."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def login(self, **parameters: str) -> list[Message]:
        """Start a session; the messages of the server up to its ReadyForQuery."""
        pairs = {"user": "postgres", "database": "postgres", **parameters}
        strings = [string for pair in pairs.items() for string in pair]
        self.send(
            startup(PROTOCOL_3, b"".join(string.encode() + b"\0" for string in strings) + b"\0")
        )
        messages = self.read_until_ready()
        for item in messages:
            self._store(item)
        return messages

    def read(self) -> Message:
        """The next message; type "" at the end of the connection."""
        header = self.read_bytes(5)
        if len(header) < 5:
            return Message("", header)
        (size,) = struct.unpack("!i", header[1:])
        return Message(header[:1].decode(), self.read_bytes(size - 4))

    def read_until_ready(self) -> list[Message]:
        """The messages up to and including the next ReadyForQuery, or the end of the connection."""
        messages = [self.read()]
        while messages[-1].type not in {"Z", ""}:
            messages.append(self.read())
        return messages

    def types(self) -> str:
        """The types of the messages up to the next ReadyForQuery."""
        return "".join(item.type for item in self.read_until_ready())

    def simple_query(self, sql: str) -> list[Message]:
        self.send(query(sql))
        return self.read_until_ready()

    def value(self, sql: str) -> str:
        """The first value of the first row."""
        row = next(item for item in self.simple_query(sql) if item.type == "D")
        return row.body[6:].decode()

    def read_bytes(self, size: int) -> bytes:
        """That many bytes, or fewer where the connection ends."""
        while len(self._buffer) < size and (chunk := self._receive()):
            self._buffer += chunk
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def _store(self, item: Message) -> None:
        if item.type == "S":
            name, value = item.body.split(b"\0")[:2]
            self.parameters[name.decode()] = value.decode()
        if item.type == "K":
            self.pid, self.secret = struct.unpack("!ii", item.body)
