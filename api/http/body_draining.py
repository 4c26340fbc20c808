"""Reading on after an early answer, so that the client gets to see it.

A server that answers 401 or 413 while the body still arrives and then closes the connection resets
it, and most clients report the reset instead of the answer.
"""

import asyncio
from contextlib import suppress

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, ReceiveMessage, Scope, Send

LINGERING_BYTES = 32 * 2**20
LINGERING_SECONDS = 10


class Lingering:
    """ASGI middleware that takes in, within bounds, what is left of a body nobody read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; anything without a body passes through."""
        if scope["type"] != ScopeType.HTTP or not _announces_body(scope):
            await self._app(scope, receive, send)
            return
        body = Body(receive)
        await self._app(scope, body.receive, send)
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGERING_SECONDS):
                await body.discard_rest()


class Body:
    """A request's body, which knows whether it has been read to its end."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def receive(self) -> ReceiveMessage:
        """The next message, as in ASGI."""
        message = await self._receive()
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def discard_rest(self) -> None:
        """Read to the end, or as far as is reasonable."""
        left = LINGERING_BYTES
        while not self._ended and left > 0:
            message = await self.receive()
            left -= len(message["body"]) if message["type"] == "http.request" else 0


def _announces_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
