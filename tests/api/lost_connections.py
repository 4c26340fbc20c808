"""The database connections of this process, lost on demand: in the middle of a statement."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from asyncpg.connection import Connection
from asyncpg.exceptions import InternalClientError, ProtocolError

# Through these goes whatever asyncpg and SQLAlchemy ask of a connection.
OPERATIONS = ("_execute", "_executemany", "_prepare", "_copy_in", "execute")

MakeError = Callable[[], Exception]


def states(*prefixes: str) -> Iterator[MakeError]:
    """Every error that asyncpg knows of such states, as the server sends it."""
    for kind in vars(asyncpg.exceptions).values():
        if isinstance(kind, type) and str(getattr(kind, "sqlstate", "")).startswith(prefixes):
            yield raised(kind, "the server says so")


def raised(kind: type[Exception], *arguments: object) -> MakeError:
    return lambda: kind(*arguments)


ERRORS: list[MakeError] = [
    *states("08", "57P0", "25P03", "25P04", "53000", "53200", "53300"),
    raised(asyncpg.InterfaceError, "connection is closed"),
    raised(asyncpg.InterfaceError, "pool is closing"),
    raised(asyncpg.InterfaceError, "cannot perform operation: another operation is in progress"),
    raised(InternalClientError, "cannot switch to state 12; another operation (2) is in progress"),
    raised(ProtocolError, "unexpected message"),
    raised(ConnectionResetError, 104, "Connection reset by peer"),
    raised(ConnectionRefusedError, 111, "Connect call failed"),
    raised(BrokenPipeError, 32, "Broken pipe"),
    raised(OSError, 113, "No route to host"),
    raised(TimeoutError),
    raised(socket.gaierror, -2, "Name or service not known"),
    raised(ssl.SSLError, 1, "TLSV1_ALERT_INTERNAL_ERROR"),
    raised(ssl.SSLCertVerificationError, 1, "certificate verify failed"),
    raised(RuntimeError, "unable to perform operation on <TCPTransport>; the handler is closed"),
]


class LostConnections:
    """Counts the operations on connections; while a fault is set, later ones lose theirs.

    New connections cannot be made then either.
    """

    def __init__(self) -> None:
        self.operations = 0
        self.lost = 0
        self._make_error: MakeError | None = None
        self._spared = 0

    @contextmanager
    def after(self, operations: int, make_error: MakeError) -> Iterator[None]:
        """Spare so many, then raise at each, its connection being gone; `lost` counts these."""
        self.operations = self.lost = 0
        self._spared, self._make_error = operations, make_error
        try:
            yield
        finally:
            self._make_error = None

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch every connection; an engine or a pool that was made before makes its own."""
        for name in OPERATIONS:
            monkeypatch.setattr(Connection, name, self._watched(getattr(Connection, name)))
        connect = asyncpg.connect

        async def watched_connect(*arguments: Any, **options: Any) -> Any:
            if self._make_error is not None and self.operations >= self._spared:
                self.lost += 1
                raise self._make_error()
            return await connect(*arguments, **options)

        monkeypatch.setattr(asyncpg, "connect", watched_connect)
        monkeypatch.setattr(asyncpg.connection, "connect", watched_connect)

    def _watched(self, operation: Any) -> Any:
        async def watched(connection: Any, *arguments: Any, **options: Any) -> Any:
            self.operations += 1
            if self._make_error is not None and self.operations > self._spared:
                self.lost += 1
                connection.terminate()
                raise self._make_error()
            return await operation(connection, *arguments, **options)

        return watched
