"""Idempotency-Key: a repeated request gets the stored response and changes nothing."""

import re
from asyncio import to_thread
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from litestar import Request

from api.http.parsers import invalid_parameter
from core.errors import SensorFlowError

HEADER = "Idempotency-Key"
KEY = re.compile('"?([!#-~]{1,255})"?')  # a string as RFC 9651 writes it, or without its quotes


class KeyInUseError(SensorFlowError):
    """A request with the same key is in progress."""

    code = "idempotency_key_in_use"

    def __init__(self) -> None:
        super().__init__(
            f"A request with this {HEADER} is under way. Send it again a little later."
        )


class KeyReusedError(SensorFlowError):
    """Another request has had the same key."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(f"Another request has had this {HEADER}. Send this one with its own.")


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request to execute only once: its sender, its key, and a hash of what it consists of."""

    principal: str
    key: str
    fingerprint: bytes


async def keyed_request(request: Request[Any, Any, Any]) -> KeyedRequest | None:
    """The request with its key; None without one. Raises InvalidRequestError for a bad key."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    match = KEY.fullmatch(text.strip())
    if match is None:
        raise invalid_parameter(
            HEADER, "must be 1 to 255 visible ASCII characters, in quotes or not"
        )
    return KeyedRequest(request.user.subject, match[1], await _fingerprint(request))


async def _fingerprint(request: Request[Any, Any, Any]) -> bytes:
    """A hash of everything that decides what the request does; in a thread, as it may be large."""
    head = (
        request.url.path,
        request.url.query,
        request.headers.get("content-type", ""),
        request.headers.get("content-encoding", ""),
    )
    fingerprint = sha256("\n".join(head).encode() + b"\n")
    await to_thread(fingerprint.update, await request.body())
    return fingerprint.digest()
