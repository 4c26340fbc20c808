from datetime import datetime
from typing import Annotated

import msgspec

from api.aggregates.resolutions import Resolution
from api.http.pagination import StorableText
from core.time import TimeRange

SECONDS = msgspec.Meta(ge=-(2**62), le=2**62)


class Position(msgspec.Struct, frozen=True, array_like=True):
    """A bucket's place in the order of an answer; taken together, equipment has the id `""`."""

    interval_start: Annotated[int, SECONDS]
    equipment_id: StorableText


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """What was asked for, and the last bucket given out.

    A window moves with the clock; its range is kept here, so that every page is of the same one.
    """

    start: datetime
    end: datetime
    resolution: Resolution
    after: Position

    def continues(self, span: TimeRange, resolution: Resolution) -> bool:
        """Whether it was given out for this range."""
        return (self.start, self.end, self.resolution) == (span.start, span.end, resolution)


BEGINNING = Position(-(2**62), "")
