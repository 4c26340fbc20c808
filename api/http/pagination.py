"""Where a page of a list ended, as an opaque text."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from api.http.query_parameters import refusal
from core.readings import EARLIEST, LATEST

Cursor = TypeVar("Cursor", bound=msgspec.Struct)

StorableText = Annotated[str, msgspec.Meta(pattern="^[^\x00]*$")]


def encode_cursor(cursor: msgspec.Struct) -> str:
    """The text a client sends back for the next page."""
    return urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def cursor_of(kind: type[Cursor]) -> Callable[[str, str], Cursor]:
    """A parser of what `encode_cursor` made of a `kind`."""

    def parse(name: str, text: str) -> Cursor:
        try:
            return _decoded(kind, text)
        except ValueError as error:
            raise refusal(name, "is not one that this list gave out", "invalid_cursor") from error

    return parse


def _decoded(kind: type[Cursor], text: str) -> Cursor:
    padded = text + "=" * (-len(text) % 4)
    cursor = msgspec.msgpack.decode(urlsafe_b64decode(padded), type=kind)
    moments = (part for part in msgspec.structs.astuple(cursor) if isinstance(part, datetime))
    if not all(moment.tzinfo and EARLIEST <= moment <= LATEST for moment in moments):
        raise ValueError(text)
    return cursor
