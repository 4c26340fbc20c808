from datetime import datetime

from msgspec import Struct, field


class Audit(Struct, frozen=True, rename="camel"):
    """What an audit of the UTC days that touch a range has found.

    Days with a wrong bucket are told as stale from now on, until the worker has refreshed them.
    """

    start: datetime = field(name="from")
    end: datetime = field(name="to")
    days: int
    wrong_buckets: int
