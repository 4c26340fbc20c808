"""The readings that the soak sends, and how many of the acknowledged ones are missing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from core.database import Pool

POST_EQUIPMENT = 200
FETCH_ROWS = 10_000


@dataclass(frozen=True)
class Span:
    """Readings of one piece of equipment: one per second, `length` of them from `start` on."""

    equipment_id: str
    start: datetime
    length: int

    @classmethod
    def after(cls, equipment_id: str, start: datetime, spans: int, length: int) -> Self:
        """The span after so many others of the same length."""
        return cls(equipment_id, start + timedelta(seconds=spans * length), length)

    @property
    def end(self) -> datetime:
        """Where the next span begins."""
        return self.start + timedelta(seconds=self.length)


def readings_of(span: Span) -> Iterator[dict[str, object]]:
    """The span's readings as the API accepts them."""
    for second in range(span.length):
        ts = span.start + timedelta(seconds=second)
        yield {
            "equipmentId": span.equipment_id,
            "timestamp": ts.isoformat(),
            "value": second / 8,
        }


def as_csv(spans: Iterable[Span]) -> bytes:
    """The spans' readings as a file."""
    lines = (
        ",".join(map(str, reading.values())) for span in spans for reading in readings_of(span)
    )
    return "\n".join(["equipmentId,timestamp,value", *lines, ""]).encode()


def post_equipment(number: int) -> str:
    """The equipment of the single reading of that number, which is also its value."""
    return f"SOAK-POST-{number % POST_EQUIPMENT}"


async def missing_posts(pool: Pool, acknowledged: set[int]) -> int:
    """How many acknowledged single readings are not stored."""
    equipment = [post_equipment(number) for number in range(POST_EQUIPMENT)]
    query = "SELECT value FROM readings WHERE equipment_id = ANY($1)"
    missing = set(acknowledged)
    async with pool.acquire() as connection, connection.transaction():
        async for row in connection.cursor(query, equipment, prefetch=FETCH_ROWS):
            missing.discard(int(row["value"]))
    return len(missing)


async def missing_readings(pool: Pool, span: Span) -> int:
    """How many readings of an acknowledged span are not stored."""
    stored = await pool.fetchval(
        "SELECT count(*) FROM readings WHERE equipment_id = $1 AND ts >= $2 AND ts < $3",
        span.equipment_id,
        span.start,
        span.end,
    )
    return span.length - int(stored)
