"""Files to a running server: sent, then followed until their rows are visible."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from uuid import UUID

import httpx2
import msgspec

from api.imports.schemas import Import, Uploaded
from cli.imports.display import SENDING, Display
from cli.imports.errors import (
    AccessRefusedError,
    FileRefusedError,
    FileUnreadableError,
    ServerUnreachableError,
)
from core.errors import SensorFlowError
from core.imports import FINAL_STATES

CONNECT_TIMEOUT_SECONDS = 10
ANSWER_TIMEOUT_SECONDS = 300  # the last bytes of a file may have to travel on to an object store
LOOK_EVERY_SECONDS = 1
PATIENCE_SECONDS = 120.0
RETRY_SECONDS = 1.0

REFUSED_ACCESS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

Document = TypeVar("Document")


class Told(msgspec.Struct, frozen=True):
    """The part of the server's problem details that is read here."""

    code: str
    detail: str


class ServerImporter:
    """Imports through one server."""

    def __init__(
        self, http: httpx2.AsyncClient, options: dict[str, str], patience_seconds: float
    ) -> None:
        """`http` knows the server's address and who asks."""
        self._http = http
        self._options = options
        self._patience_seconds = patience_seconds
        self._under_way: UUID | None = None

    @property
    def destination(self) -> str:
        """The server's address."""
        return str(self._http.base_url).rstrip("/")

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        server_url: str,
        identity: httpx2.Auth,
        options: dict[str, str],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> AsyncIterator["ServerImporter"]:
        """Imports of files written as the `options` say, through the server at `server_url`.

        It is known to answer and to let us in.
        Raises ServerUnreachableError or AccessRefusedError.
        """
        timeout = httpx2.Timeout(ANSWER_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
        async with httpx2.AsyncClient(base_url=server_url, auth=identity, timeout=timeout) as http:
            importer = cls(http, options, patience_seconds)
            await importer._ask("GET", "/imports?limit=1")
            yield importer

    async def bring(self, path: Path, display: Display) -> Import:
        """Send the file and follow its import to its end.

        Raises FileRefusedError, ServerUnreachableError or AccessRefusedError.
        """
        self._under_way = None
        self._under_way = await self._send(path, display)
        try:
            return await self._follow(self._under_way, display)
        except (ServerUnreachableError, AccessRefusedError) as error:
            advice = " ".join(map(str.strip, self.after_interruption()))
            raise type(error)(f"{error.message} {advice}") from error

    async def rejects(self, import_id: UUID) -> AsyncIterator[bytes]:
        """The rejected rows as CSV."""
        try:
            async with self._http.stream("GET", f"/imports/{import_id}/rejects") as answer:
                if answer.is_error:
                    await answer.aread()
                    raise _refusal(answer)
                async for chunk in answer.aiter_bytes():
                    yield chunk
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def after_interruption(self) -> list[str]:
        """That the server goes on without us, and how to follow and stop it."""
        if self._under_way is None:
            return ["The file was not sent whole; the server keeps nothing of it."]
        address = f"{self.destination}/imports/{self._under_way}"
        return [
            f"Its import {self._under_way} goes on at the server.",
            f"  follow it: GET {address}?wait=visible",
            f"  stop it:   POST {address}/cancel",
        ]

    async def _send(self, path: Path, display: Display) -> UUID:
        with path.open("rb") as file:
            display.begin(path, SENDING, os.fstat(file.fileno()).st_size)
            counted = CountedFile(file, display.done)
            form = {"data": self._options, "files": {"file": (path.name, counted)}}
            answer = await self._ask("POST", "/sensor-data/upload-csv", **form)
        return _decoded(answer, Uploaded).import_id

    async def _follow(self, import_id: UUID, display: Display) -> Import:
        address = f"/imports/{import_id}?wait=visible&timeout={LOOK_EVERY_SECONDS}"
        while True:
            current = _decoded(await self._patiently("GET", address, display), Import)
            display.at(current)
            if current.state in FINAL_STATES:
                return current

    async def _patiently(self, method: str, address: str, display: Display) -> httpx2.Response:
        """The answer, waited for while the server is away for a moment, say for an update."""
        deadline = time.monotonic() + self._patience_seconds
        told = False
        while True:
            try:
                return await self._ask(method, address)
            except ServerUnreachableError as error:
                if time.monotonic() > deadline:
                    raise
                if not told:
                    display.tell(f"{error.message} Trying again.")
                told = True
                await asyncio.sleep(RETRY_SECONDS)

    async def _ask(self, method: str, address: str, **content: Any) -> httpx2.Response:
        try:
            answer = await self._http.request(method, address, **content)
        except httpx2.LocalProtocolError as error:
            raise FileUnreadableError(
                "The file changed while it was sent. Nothing of it was stored; send it again."
            ) from error
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        if not answer.is_success:
            raise _refusal(answer)
        return answer

    def _unreachable(self, error: httpx2.TransportError) -> ServerUnreachableError:
        return ServerUnreachableError(
            f"{self.destination} does not answer ({str(error) or type(error).__name__})."
        )


class CountedFile:
    """A file that says how far it was read; what httpx2 needs of a file, no more."""

    def __init__(self, file: BinaryIO, count: Callable[[int], None]) -> None:
        self._file = file
        self._count = count

    def fileno(self) -> int:
        """For its size."""
        return self._file.fileno()

    def read(self, size: int = -1) -> bytes:
        """The next bytes; what was read before is out."""
        self._count(self._file.tell())
        return self._file.read(size)


def _decoded(answer: httpx2.Response, kind: type[Document]) -> Document:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ServerUnreachableError(
            f"{answer.url.host} answers, but not as a Sensor Flow server of this release does "
            f"({error}). Check the address."
        ) from error


def _refusal(answer: httpx2.Response) -> SensorFlowError:
    try:
        told = msgspec.json.decode(answer.content, type=Told)
    except msgspec.DecodeError:
        told = Told("not_ours", f"{answer.status_code} {answer.reason_phrase}")
    if answer.status_code in REFUSED_ACCESS:
        return AccessRefusedError(
            f"The server refuses the token: {told.detail.rstrip('.')}. See docs/imports.md."
        )
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or told.code == "not_ours":
        return ServerUnreachableError(f"The server cannot take it now: {told.detail}")
    return FileRefusedError(told.code, told.detail)
