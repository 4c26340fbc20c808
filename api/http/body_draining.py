"""Reading the rest of a body after an early response, so that the client gets to see it.

A server that answers 401 or 413 while the body still arrives and then closes the connection resets
it, and most clients report the reset instead of the response.
"""

import asyncio
from contextlib import suppress

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

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
        if scope["type"] != ScopeType.HTTP or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body = BodyReceiver(receive, self._timeout)
        await self._app(scope, body.receive, send)
        with suppress(TimeoutError, BodyTooSlowError):
            async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
                await _drain(body)


async def _drain(body: BodyReceiver) -> None:
    """Discard the rest of the body, at most MAX_DRAINED_BYTES of it."""
    remaining_bytes = MAX_DRAINED_BYTES
    while not body.ended and remaining_bytes > 0:
        remaining_bytes -= body_bytes(await body.receive())


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
