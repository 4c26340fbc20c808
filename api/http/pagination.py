"""Keyset pagination: the position where a page ended, as an opaque cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.http.parsers import integer_parser, invalid_parameter
from api.http.query_parameters import TEXT_SCHEMA, QueryParameter
from core.readings import EARLIEST, LATEST

Cursor = TypeVar("Cursor", bound=msgspec.Struct)
Default = TypeVar("Default")

StorableText = Annotated[str, msgspec.Meta(pattern="^[^\x00]*$")]


def limit_parameter(maximum: int, default: int, description: str) -> QueryParameter[int]:
    """The maximum number of items on a page."""
    return QueryParameter(
        name="limit",
        parse=integer_parser(1, maximum),
        default=default,
        schema=Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=maximum),
        description=description,
    )


def cursor_parameter(kind: type[Cursor], default: Default) -> QueryParameter[Cursor | Default]:
    """The parameter that continues a list behind a page."""
    return QueryParameter(
        name="cursor",
        parse=cursor_parser(kind),
        default=default,
        schema=TEXT_SCHEMA,
        description="The nextCursor of the page before.",
    )


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
