from datetime import datetime

from msgspec import Struct, field


class Audit(Struct, frozen=True, rename="camel"):
    """The result of auditing the UTC days that overlap a range.

    Days with a wrong bucket are reported as stale until the worker has refreshed them.
    """

    start: datetime = field(name="from")
    end: datetime = field(name="to")
    days: int
    wrong_buckets: int
