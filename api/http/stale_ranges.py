from datetime import datetime

from msgspec import Struct, field


class StaleRange(Struct, frozen=True):
    """A range with late rows that the rollups may not include yet."""

    start: datetime = field(name="from")
    end: datetime = field(name="to")
