"""How slowly a request's body may arrive. A body that drips holds memory, or a place in a queue."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from litestar.types import Receive, ReceiveMessage

from core.errors import SensorFlowError


class BodyTooSlowError(SensorFlowError):
    """The body of the request does not arrive, or arrives more slowly than the server waits."""

    code = "body_too_slow"


@dataclass(frozen=True, slots=True)
class BodyTimeout:
    """The server waits `timeout_seconds`, and a second more for each `bytes_per_second` bytes.

    For the next bytes it waits no longer than `timeout_seconds`, however many came before.
    """

    timeout_seconds: float
    bytes_per_second: int

    def seconds_left(self, received_bytes: int, waited_seconds: float) -> float:
        """How long the next bytes may take."""
        earned_seconds = received_bytes / self.bytes_per_second - waited_seconds
        return self.timeout_seconds + min(0.0, earned_seconds)


class BodyReceiver:
    """Receives a request's body in time and remembers whether more of it is to be received.

    Only time in which the server waits for the client counts, not what it does with the bytes. With
    the last of `announced_bytes` the body has ended; the server would send an empty message yet.
    """

    def __init__(
        self, receive: Receive, timeout: BodyTimeout, announced_bytes: int | None = None
    ) -> None:
        self._receive = receive
        self._timeout = timeout
        self._announced_bytes = announced_bytes
        self._received_bytes = 0
        self._waited_seconds = 0.0
        self.ended = False

    async def receive(self) -> ReceiveMessage:
        """The next message, as in ASGI. Raises BodyTooSlowError, after which nothing is left."""
        if self.ended:
            return await self._receive()
        message = await self._receive_in_time()
        if message["type"] == "http.request" and self._received_bytes == self._announced_bytes:
            message["more_body"] = False
        self.ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def _receive_in_time(self) -> ReceiveMessage:
        began = monotonic()
        left = self._timeout.seconds_left(self._received_bytes, self._waited_seconds)
        try:
            async with asyncio.timeout(left):
                message = await self._receive()
        except TimeoutError as error:
            self.ended = True
            raise self._too_slow() from error
        self._waited_seconds += monotonic() - began
        self._received_bytes += body_bytes(message)
        return message

    def _too_slow(self) -> BodyTooSlowError:
        seconds, rate = self._timeout.timeout_seconds, self._timeout.bytes_per_second
        return BodyTooSlowError(
            f"Of the body {self._received_bytes} bytes arrived, then no more in time. Send it "
            f"without a pause of {seconds:g} seconds, and at {rate} bytes a second or more.",
        )


def body_bytes(message: ReceiveMessage) -> int:
    """How many bytes of the body the message brings."""
    return len(message["body"]) if message["type"] == "http.request" else 0
