"""Imports through a server: files are sent, then polled until their rows are visible."""

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
RESPONSE_TIMEOUT_SECONDS = 300  # the last bytes of a file may have to travel on to an object store
POLL_SECONDS = 1
RETRY_TIMEOUT_SECONDS = 120.0
RETRY_DELAY_SECONDS = 1.0

FOREIGN = "not_ours"  # the code of a response that is no problem details

ACCESS_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

Document = TypeVar("Document")


class ProblemDetails(msgspec.Struct, frozen=True):
    """The fields of the server's problem details that are read here."""

    code: str
    detail: str


class ServerImporter:
    """Imports through one server."""

    def __init__(
        self, http: httpx2.AsyncClient, options: dict[str, str], retry_timeout_seconds: float
    ) -> None:
        """`http` has the server's address and the credentials."""
        self._http = http
        self._options = options
        self._retry_timeout_seconds = retry_timeout_seconds
        self._import_id: UUID | None = None

    @property
    def destination(self) -> str:
        """The server's address."""
        return str(self._http.base_url).rstrip("/")

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        server_url: str,
        auth: httpx2.Auth,
        options: dict[str, str],
        retry_timeout_seconds: float = RETRY_TIMEOUT_SECONDS,
    ) -> AsyncIterator["ServerImporter"]:
        """Imports of files written as the `options` say, through the server at `server_url`.

        Raises ServerUnreachableError or AccessRefusedError, after a first request.
        """
        timeout = httpx2.Timeout(RESPONSE_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
        async with httpx2.AsyncClient(base_url=server_url, auth=auth, timeout=timeout) as http:
            importer = cls(http, options, retry_timeout_seconds)
            await importer._request("GET", "/imports?limit=1")
            yield importer

    async def import_file(self, path: Path, display: Display) -> Import:
        """Send the file and poll its import until its final state.

        Raises FileRefusedError, ServerUnreachableError or AccessRefusedError.
        """
        self._import_id = None
        self._import_id = await self._send(path, display)
        try:
            return await self._poll_until_final(self._import_id, display)
        except (ServerUnreachableError, AccessRefusedError) as error:
            advice = " ".join(map(str.strip, self.after_interruption()))
            raise type(error)(f"{error.message} {advice}") from error

    async def rejects(self, import_id: UUID) -> AsyncIterator[bytes]:
        """The rejected rows as CSV."""
        try:
            async with self._http.stream("GET", f"/imports/{import_id}/rejects") as response:
                if response.is_error:
                    await response.aread()
                    raise _error_of(response)
                async for chunk in response.aiter_bytes():
                    yield chunk
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def after_interruption(self) -> list[str]:
        """That the import goes on at the server, and how to follow and stop it."""
        if self._import_id is None:
            return ["The file was not sent whole; the server keeps nothing of it."]
        address = f"{self.destination}/imports/{self._import_id}"
        return [
            f"Its import {self._import_id} goes on at the server.",
            f"  follow it: GET {address}?wait=visible",
            f"  stop it:   POST {address}/cancel",
        ]

    async def _send(self, path: Path, display: Display) -> UUID:
        with path.open("rb") as file:
            display.start_file(path, SENDING, os.fstat(file.fileno()).st_size)
            counting = CountingFile(file, display.set_done)
            form = {"data": self._options, "files": {"file": (path.name, counting)}}
            response = await self._request("POST", "/sensor-data/upload-csv", **form)
        return _decode(response, Uploaded).import_id

    async def _poll_until_final(self, import_id: UUID, display: Display) -> Import:
        address = f"/imports/{import_id}?wait=visible&timeout={POLL_SECONDS}"
        while True:
            current = _decode(await self._request_with_retries("GET", address, display), Import)
            display.show_import(current)
            if current.state in FINAL_STATES:
                return current

    async def _request_with_retries(
        self, method: str, address: str, display: Display
    ) -> httpx2.Response:
        """The response; retried while the server is unreachable, as during an update."""
        deadline = time.monotonic() + self._retry_timeout_seconds
        notified = False
        while True:
            try:
                return await self._request(method, address)
            except ServerUnreachableError as error:
                if time.monotonic() > deadline:
                    raise
                if not notified:
                    display.notify(f"{error.message} Trying again.")
                notified = True
                await asyncio.sleep(RETRY_DELAY_SECONDS)

    async def _request(self, method: str, address: str, **content: Any) -> httpx2.Response:
        try:
            response = await self._http.request(method, address, **content)
        except httpx2.LocalProtocolError as error:
            raise FileUnreadableError(
                "The file changed while it was sent. Nothing of it was stored; send it again."
            ) from error
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            raise _error_of(response)
        return response

    def _unreachable(self, error: httpx2.TransportError) -> ServerUnreachableError:
        return ServerUnreachableError(
            f"{self.destination} does not answer ({str(error) or type(error).__name__})."
        )


class CountingFile:
    """A file that reports how far it was read, with the methods that httpx2 needs."""

    def __init__(self, file: BinaryIO, count: Callable[[int], None]) -> None:
        self._file = file
        self._count = count

    def fileno(self) -> int:
        """The descriptor, from which httpx2 reads the size."""
        return self._file.fileno()

    def read(self, size: int = -1) -> bytes:
        """The next bytes; those read before have been sent by now."""
        self._count(self._file.tell())
        return self._file.read(size)


def _decode(response: httpx2.Response, kind: type[Document]) -> Document:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ServerUnreachableError(
            f"{response.url.host} answers, but not as a Sensor Flow server of this release does "
            f"({error}). Check the address."
        ) from error


def _error_of(response: httpx2.Response) -> SensorFlowError:
    try:
        problem = msgspec.json.decode(response.content, type=ProblemDetails)
    except msgspec.DecodeError:
        problem = ProblemDetails(FOREIGN, f"{response.status_code} {response.reason_phrase}")
    if response.status_code in ACCESS_REFUSED:
        return AccessRefusedError(
            f"The server refuses the token: {problem.detail.rstrip('.')}. See docs/imports.md."
        )
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or problem.code == FOREIGN:
        return ServerUnreachableError(f"The server cannot take it now: {problem.detail}")
    return FileRefusedError(problem.code, problem.detail)
