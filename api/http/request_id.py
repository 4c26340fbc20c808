"""The id of a request, which its log lines, its errors and its span have in common."""

import re
from collections.abc import Iterable
from secrets import token_hex

import structlog

REQUEST_ID_HEADER = b"x-request-id"
ACCEPTED_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def bind_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The id of the request with these headers: the caller's if it is acceptable, else a new one.

    It is never unbound: each request has a context of its own, which ends with it.
    """
    request_id = _accepted_id(headers) or token_hex(16)
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


def current_request_id() -> str:
    """The id of the request in progress, "none" outside of one."""
    request_id: str = structlog.contextvars.get_contextvars().get("request_id", "none")
    return request_id


def _accepted_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == REQUEST_ID_HEADER and ACCEPTED_REQUEST_ID.fullmatch(value):
            return value.decode()
    return None
