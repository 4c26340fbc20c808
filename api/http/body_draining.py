"""Reading the rest of a body after an early response, so that the client gets to see it.

A server that answers 401 or 413 while the body still arrives and then closes the connection resets
it, and most clients report the reset instead of the response.
"""

import asyncio
from contextlib import suppress

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.http.forwarded import Headers
from api.http.request_body_timeout import BodyReceiver, BodyTimeout, BodyTooSlowError, body_bytes

MAX_DRAINED_BYTES = 32 * 2**20
DRAIN_TIMEOUT_SECONDS = 10


class BodyDraining:
    """ASGI middleware that reads, within bounds, what the application left unread of a body.

    The application receives bodies in time: `receive` raises BodyTooSlowError.
    """

    def __init__(self, app: ASGIApp, timeout: BodyTimeout) -> None:
        self._app = app
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything without a body passes through."""
        announced_bytes = _announced_bytes(scope["headers"])
        if scope["type"] != ScopeType.HTTP or announced_bytes == 0:
            await self._app(scope, receive, send)
            return
        body = BodyReceiver(receive, self._timeout, announced_bytes)
        await self._app(scope, body.receive, send)
        if not body.ended:
            await _drain(body)


async def _drain(body: BodyReceiver) -> None:
    """Discard the rest of the body, within the bounds."""
    with suppress(TimeoutError, BodyTooSlowError):
        async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
            await _discard(body)


async def _discard(body: BodyReceiver) -> None:
    remaining_bytes = MAX_DRAINED_BYTES
    while not body.ended and remaining_bytes > 0:
        remaining_bytes -= body_bytes(await body.receive())


def _announced_bytes(headers: Headers) -> int | None:
    """The length of the body; None if it is not known before its end."""
    announced_bytes: int | None = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            announced_bytes = int(value) if value.isdigit() else None
    return announced_bytes
