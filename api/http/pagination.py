"""Keyset pagination: the position where a page ended, as an opaque cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from api.http.query_parameters import invalid_parameter
from core.readings import EARLIEST, LATEST

Cursor = TypeVar("Cursor", bound=msgspec.Struct)

StorableText = Annotated[str, msgspec.Meta(pattern="^[^\x00]*$")]


def encode_cursor(cursor: msgspec.Struct) -> str:
    """The text by which a client requests the next page."""
    return urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def cursor_parser(kind: type[Cursor]) -> Callable[[str, str], Cursor]:
    """A parser of the texts that `encode_cursor` made of a `kind`."""

    def parse(name: str, text: str) -> Cursor:
        try:
            return _decode_cursor(kind, text)
        except ValueError as error:
            message = "is not one that this list gave out"
            raise invalid_parameter(name, message, "invalid_cursor") from error

    return parse


def _decode_cursor(kind: type[Cursor], text: str) -> Cursor:
    padded = text + "=" * (-len(text) % 4)
    cursor = msgspec.msgpack.decode(urlsafe_b64decode(padded), type=kind)
    timestamps = (part for part in msgspec.structs.astuple(cursor) if isinstance(part, datetime))
    if not all(ts.tzinfo and EARLIEST <= ts <= LATEST for ts in timestamps):
        raise ValueError(text)
    return cursor
