from datetime import datetime

from msgspec import Struct, field


class StaleRange(Struct, frozen=True):
    """Late rows of this range are stored that the rollups may not have taken up yet."""

    start: datetime = field(name="from")
    end: datetime = field(name="to")
