"""The usual request to store a reading, answered ahead of the framework.

It carries a bearer token that was verified before and a small JSON body with a valid reading. Any
other request, and any that fails, is the framework's: it receives what was received here, or the
error in place of the body, and so the route stays the only one that knows errors and refusals.
"""

from typing import Any

from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Receive,
    ReceiveMessage,
    Scope,
    Send,
)
from msgspec.json import encode

from api.auth.authentication import Authenticator
from api.readings.controller import PATH, SCOPE, STATUS
from api.readings.schemas import SAVED
from api.readings.service import ReadingService

JSON = b"application/json"
CONTENT_TYPES = frozenset({JSON, JSON + b"; charset=utf-8", JSON + b";charset=UTF-8"})

# Headers by which the framework's answer may differ.
UNUSUAL_HEADERS = frozenset(
    {b"content-encoding", b"cookie", b"idempotency-key", b"origin", b"transfer-encoding"}
)
MAX_LENGTH_DIGITS = 4  # of a body that is small

BODY = encode(SAVED)
RESPONSE_START = HTTPResponseStartEvent(
    type="http.response.start",
    status=STATUS,
    headers=[(b"content-type", JSON), (b"content-length", str(len(BODY)).encode())],
)
RESPONSE_BODY = HTTPResponseBodyEvent(type="http.response.body", body=BODY, more_body=False)


class LeanPath:
    """ASGI middleware that answers the usual request; `state` holds the services."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == ScopeType.HTTP and self._is_usual(scope):
            left = await self._save(receive)
            if left is None:
                scope["path_template"] = PATH
                await send(RESPONSE_START)
                await send(RESPONSE_BODY)
                return
            receive = left
        await self._app(scope, receive, send)

    def _is_usual(self, scope: HTTPScope) -> bool:
        """Whether the head of the request is usual and its sender may store readings."""
        if scope["path"] != PATH or scope["method"] != "POST" or scope["query_string"]:
            return False
        sent = list(scope["headers"])
        headers = dict(sent)
        if len(headers) < len(sent) or not UNUSUAL_HEADERS.isdisjoint(headers):
            return False
        is_small = 0 < len(headers.get(b"content-length", b"")) <= MAX_LENGTH_DIGITS
        if not is_small or headers.get(b"content-type") not in CONTENT_TYPES:
            return False
        return self._may_write(headers.get(b"authorization", b""))

    def _may_write(self, authorization: bytes) -> bool:
        authenticator: Authenticator = self._state.services.authenticator
        principal = authenticator.cached_principal(authorization.decode("latin-1"))
        return principal is not None and SCOPE in principal.scopes

    async def _save(self, receive: Receive) -> Receive | None:
        """Store the reading in the body; else returns what the framework is to receive."""
        try:
            message = await receive()
            if await self._save_body(message):
                return None
        except Exception as error:  # noqa: BLE001  # any: the framework maps each to a response
            return _raising(error)
        return _replaying(message, receive)

    async def _save_body(self, message: ReceiveMessage) -> bool:
        """Whether the message is a whole body with a usual reading, which is stored then."""
        if message["type"] != "http.request" or message["more_body"]:
            return False
        readings: ReadingService = self._state.services.readings
        reading = readings.decode_usual(message["body"])
        if reading is None:
            return False
        await readings.save_decoded(reading)
        return True


def _replaying(first: ReceiveMessage, receive: Receive) -> Receive:
    """Receives `first` once more, then what comes after it."""
    received = [first]

    async def replay() -> ReceiveMessage:
        return received.pop() if received else await receive()

    return replay


def _raising(error: Exception) -> Receive:
    async def fail() -> Any:
        raise error

    return fail
