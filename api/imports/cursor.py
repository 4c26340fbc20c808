"""Where a page of imports ended, as an opaque text."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from uuid import UUID

import msgspec

from api.imports.errors import InvalidCursorError


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The key of a page's last import."""

    created_at: datetime
    import_id: UUID

    def encoded(self) -> str:
        """The text a client sends back for the next page."""
        return urlsafe_b64encode(msgspec.msgpack.encode(self)).decode().rstrip("=")


def decode_cursor(text: str) -> Cursor:
    """The cursor that `encoded` made. Raises InvalidCursorError."""
    try:
        padded = text + "=" * (-len(text) % 4)
        cursor = msgspec.msgpack.decode(urlsafe_b64decode(padded), type=Cursor)
    except ValueError as error:
        raise InvalidCursorError("cursor is not one that this list gave out") from error
    if cursor.created_at.tzinfo is None:
        raise InvalidCursorError("cursor is not one that this list gave out")
    return cursor
