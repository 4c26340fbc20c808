"""Where a page of buckets ended, as an opaque text."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated

import msgspec

from api.aggregates.resolutions import Resolution, TimeRange
from core.readings import EARLIEST, LATEST

SECONDS = msgspec.Meta(ge=-(2**62), le=2**62)
STORABLE = msgspec.Meta(pattern="^[^\x00]*$")


class Position(msgspec.Struct, frozen=True, array_like=True):
    """A bucket's place in the order of an answer; taken together, equipment has the id `""`."""

    interval_start: Annotated[int, SECONDS]
    equipment_id: Annotated[str, STORABLE]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """What was asked for, and the last bucket given out.

    A window moves with the clock; its range is kept here, so that every page is of the same one.
    """

    start: datetime
    end: datetime
    resolution: Resolution
    after: Position

    def encoded(self) -> str:
        """The text a client sends back for the next page."""
        return urlsafe_b64encode(msgspec.msgpack.encode(self)).decode().rstrip("=")

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The ends of the range."""
        return self.start, self.end

    def continues(self, span: TimeRange, resolution: Resolution) -> bool:
        """Whether it was given out for this range."""
        return (self.start, self.end, self.resolution) == (span.start, span.end, resolution)


BEGINNING = Position(-(2**62), "")


def decode_cursor(text: str) -> Cursor:
    """The cursor that `encoded` made. Raises ValueError for any other text."""
    padded = text + "=" * (-len(text) % 4)
    cursor = msgspec.msgpack.decode(urlsafe_b64decode(padded), type=Cursor)
    if not all(moment.tzinfo and EARLIEST <= moment <= LATEST for moment in cursor.bounds):
        raise ValueError(text)
    return cursor
