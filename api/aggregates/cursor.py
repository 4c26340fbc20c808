from datetime import datetime
from typing import Annotated

import msgspec

from api.aggregates.resolutions import Resolution
from api.http.pagination import StorableText
from core.time import TimeRange

UNIX_SECONDS = msgspec.Meta(ge=-(2**62), le=2**62)


class BucketPosition(msgspec.Struct, frozen=True, array_like=True):
    """A bucket's position in the order of pages; without groups the equipment id is `""`."""

    interval_start: Annotated[int, UNIX_SECONDS]
    equipment_id: StorableText


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The requested range and resolution, and the last bucket returned.

    A window moves with the clock; the cursor holds its range, so that every page is of the same
    one.
    """

    start: datetime
    end: datetime
    resolution: Resolution
    after: BucketPosition

    def continues(self, span: TimeRange, resolution: Resolution) -> bool:
        """Whether it was issued for this range and resolution."""
        return (self.start, self.end, self.resolution) == (span.start, span.end, resolution)


BEGINNING = BucketPosition(-(2**62), "")
