from msgspec import Struct

from api.readings.stored_reading import StoredReading


class ReadingPage(Struct, frozen=True, rename="camel"):
    """Readings in order of timestamp and equipment; `nextCursor` is null on the last page."""

    items: list[StoredReading]
    next_cursor: str | None
