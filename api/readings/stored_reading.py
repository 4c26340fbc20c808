from datetime import datetime

from msgspec import Struct


class StoredReading(Struct, frozen=True, rename="camel"):
    """A reading, and when it was first stored or last replaced."""

    equipment_id: str
    timestamp: datetime
    value: float
    register_time: datetime
