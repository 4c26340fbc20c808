"""A client that sends a file and waits for its import, and retries every failed request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import httpx2

CHUNK_BYTES = 1024
CHUNK_SECONDS = 0.01
RETRY_DELAY_SECONDS = 0.05
SERVER_ERROR = 500
ENDS = ("done", "failed", "cancelled")


class Sender:
    """Sends by a presigned upload, each step of which may be repeated."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def send(self, content: bytes) -> UUID:
        """Import the file; returns when the import has ended."""
        announced = await _with_retries(
            lambda: self._client.post(
                "/imports", json={"fileName": "file.csv", "sizeBytes": len(content)}
            )
        )
        upload = announced.json()
        await _with_retries(
            lambda: self._client.request(
                upload["method"],
                upload["uploadUrl"],
                headers={**upload["headers"], "Content-Length": str(len(content))},
                content=_slowly(content),
            )
        )
        address = f"/imports/{upload['importId']}"
        await _with_retries(lambda: self._client.post(f"{address}/complete"))
        state = ""
        while state not in ENDS:
            polled = await _with_retries(
                lambda: self._client.get(address, params={"wait": "visible", "timeout": 10})
            )
            state = polled.json()["state"]
        return UUID(upload["importId"])


async def _with_retries(request: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
    """The response, as soon as a server is running that sends one."""
    while True:
        try:
            response = await request()
        except httpx2.TransportError:
            await asyncio.sleep(RETRY_DELAY_SECONDS)
            continue
        if response.status_code < SERVER_ERROR:
            return response.raise_for_status()
        await asyncio.sleep(RETRY_DELAY_SECONDS)


async def _slowly(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK_BYTES):
        await asyncio.sleep(CHUNK_SECONDS)
        yield content[start : start + CHUNK_BYTES]
