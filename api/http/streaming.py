"""Answers that are made as they are sent, and let go of when the client is gone or stuck."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse, Stream
from litestar.types import Message, Receive, Send

# A client that takes nothing for so long is given up: it may hold a connection to the database.
STUCK_SECONDS = 60


class ClosedAtItsEnd(Stream):
    """A stream whose source is closed when the response ends, whatever ends it."""

    closes: AsyncGenerator[Any]

    def to_asgi_response(self, *parts: Any, **options: Any) -> ASGIResponse:
        """The response, which closes the source when it ends."""
        response = super().to_asgi_response(*parts, **options)
        return ClosingResponse(
            iterator=self.iterator,
            closes=self.closes,
            status_code=response.status_code,
            headers=dict(response.headers),
        )


class Download(ClosedAtItsEnd):
    """A file whose first piece is made already, so that what failed until then has its own answer.

    An error later cuts the connection off: no client takes what it got for the whole.
    """

    def __init__(
        self, first: bytes, rest: AsyncGenerator[bytes], media_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(_joined(first, rest), media_type=media_type, headers=headers)
        self.closes = rest

    @classmethod
    async def begin(
        cls, content: AsyncGenerator[bytes], media_type: str, headers: dict[str, str]
    ) -> Response[Any]:
        """The file of this content; raises what making the first piece raises."""
        return cls(await anext(content, b""), content, media_type, headers)


class ClosingResponse(ASGIStreamingResponse):
    """A streaming response that closes what its content comes from, whatever ends it."""

    def __init__(self, *, closes: AsyncGenerator[Any], **options: Any) -> None:
        super().__init__(**options)
        self._closes = closes

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send the content; raises TimeoutError if the client does not take it."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(STUCK_SECONDS):
                await send(message)

        async with aclosing(self._closes):
            await super().send_body(send_in_time, receive)


async def _joined(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in rest:
        yield piece
