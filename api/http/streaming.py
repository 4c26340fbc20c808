"""Streamed responses, whose source is closed when the client disconnects or stops reading."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse, Stream
from litestar.types import Message, Receive, Send

# A client that takes nothing for so long is given up: it may hold a database connection.
SEND_TIMEOUT_SECONDS = 60


class ClosingStream(Stream):
    """A stream whose source is closed when the response ends, whatever ends it."""

    source: AsyncGenerator[Any]

    def to_asgi_response(self, *parts: Any, **options: Any) -> ASGIResponse:
        """The response, which closes the source when it ends."""
        response = super().to_asgi_response(*parts, **options)
        return ClosingResponse(
            iterator=self.iterator,
            source=self.source,
            status_code=response.status_code,
            headers=dict(response.headers),
        )


class Download(ClosingStream):
    """A file whose first chunk is ready, so that errors until then get a response of their own.

    A later error resets the connection, so that no client takes a part for the whole.
    """

    def __init__(
        self, first: bytes, rest: AsyncGenerator[bytes], media_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(_prepend(first, rest), media_type=media_type, headers=headers)
        self.source = rest

    @classmethod
    async def start(
        cls, content: AsyncGenerator[bytes], media_type: str, headers: dict[str, str]
    ) -> Response[Any]:
        """A download of the content; raises what producing the first chunk raises."""
        return cls(await anext(content, b""), content, media_type, headers)


class ClosingResponse(ASGIStreamingResponse):
    """A streaming response that closes the source of its content, whatever ends it."""

    def __init__(self, *, source: AsyncGenerator[Any], **options: Any) -> None:
        super().__init__(**options)
        self._source = source

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send the content; raises TimeoutError if the client stops reading."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await send(message)

        async with aclosing(self._source):
            await super().send_body(send_in_time, receive)


async def _prepend(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
