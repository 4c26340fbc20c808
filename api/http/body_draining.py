"""Reading the rest of a body after an early response, so that the client gets to see it.

A server that answers 401 or 413 while the body still arrives and then closes the connection resets
it, and most clients report the reset instead of the response.
"""

import asyncio
from contextlib import suppress

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, ReceiveMessage, Scope, Send

MAX_DRAINED_BYTES = 32 * 2**20
DRAIN_TIMEOUT_SECONDS = 10


class BodyDraining:
    """ASGI middleware that reads, within bounds, what the application left unread of a body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything without a body passes through."""
        if scope["type"] != ScopeType.HTTP or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body = BodyReceiver(receive)
        await self._app(scope, body.receive, send)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
                await body.drain()


class BodyReceiver:
    """Receives a request's body and remembers whether its end was reached."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = False

    async def receive(self) -> ReceiveMessage:
        """The next message, as in ASGI."""
        message = await self._receive()
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Discard the rest of the body, at most MAX_DRAINED_BYTES of it."""
        remaining_bytes = MAX_DRAINED_BYTES
        while not self._complete and remaining_bytes > 0:
            message = await self.receive()
            remaining_bytes -= len(message["body"]) if message["type"] == "http.request" else 0


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
