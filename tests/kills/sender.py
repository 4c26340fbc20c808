"""A client that sends a file and waits, and asks again whenever an answer does not come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import httpx2

PIECE_BYTES = 1024
PIECE_SECONDS = 0.01
PAUSE_SECONDS = 0.05
SERVER_ERROR = 500
ENDS = ("done", "failed", "cancelled")


class Sender:
    """Sends by a presigned upload, whose every step may be repeated."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def send(self, content: bytes) -> UUID:
        """Import the file; returns when the import has ended."""
        asked = await _answered(
            lambda: self._client.post(
                "/imports", json={"fileName": "file.csv", "sizeBytes": len(content)}
            )
        )
        upload = asked.json()
        await _answered(
            lambda: self._client.request(
                upload["method"],
                upload["uploadUrl"],
                headers={**upload["headers"], "Content-Length": str(len(content))},
                content=_slowly(content),
            )
        )
        address = f"/imports/{upload['importId']}"
        await _answered(lambda: self._client.post(f"{address}/complete"))
        state = ""
        while state not in ENDS:
            told = await _answered(
                lambda: self._client.get(address, params={"wait": "visible", "timeout": 10})
            )
            state = told.json()["state"]
        return UUID(upload["importId"])


async def _answered(ask: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
    """The answer, as soon as there is a server that gives one."""
    while True:
        try:
            answer = await ask()
        except httpx2.TransportError:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        if answer.status_code < SERVER_ERROR:
            return answer.raise_for_status()
        await asyncio.sleep(PAUSE_SECONDS)


async def _slowly(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), PIECE_BYTES):
        await asyncio.sleep(PIECE_SECONDS)
        yield content[start : start + PIECE_BYTES]
