"""A month of readings up to now: 1,000 ids, all in step, in as many rows as asked for."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.table import DAYS, IDS
from core.database import Pool
from core.queries import queries
from core.time import utc_now

THINNED = 10  # how many rows there are in the end for each one of the beginning

FILL = """
INSERT INTO readings (equipment_id, ts, value)
SELECT
    'EQ-' || lpad(id::text, 4, '0'),
    $1::timestamptz + number * $2::interval,
    ((number * 1000::bigint + id) * 7919 % 100000) / 8.0
FROM generate_series($3::int, $4::int - 1) AS number, generate_series(0, 999) AS id
WHERE (number % $5 = 0) = $6
"""
REFRESH = (
    "CALL refresh_continuous_aggregate('readings_1h', NULL, rollup_refresh_limit('1 hour'))",
    "CALL refresh_continuous_aggregate('readings_1d', NULL, rollup_refresh_limit('1 day'))",
    "VACUUM ANALYZE readings",
)


@dataclass(frozen=True)
class Month:
    """Where it lies, and how many readings each id has in the end."""

    start: datetime
    readings: int

    @classmethod
    def of_rows(cls, rows: int) -> "Month":
        """The one that ends with the current hour and has so many rows, in whole tens an id."""
        end = utc_now().replace(minute=0, second=0, microsecond=0)
        readings = THINNED * math.ceil(rows / IDS / THINNED)
        return cls(end - timedelta(days=DAYS), readings)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.start + timedelta(days=DAYS)

    async def fill(self, pool: Pool, *, tenth: bool) -> None:
        """Store each tenth row, or all others, in the same buckets, and take up all there are."""
        step = timedelta(days=DAYS) / self.readings
        day = math.ceil(self.readings / DAYS)
        for first in range(0, self.readings, day):
            last = min(first + day, self.readings)
            await pool.execute(FILL, self.start, step, first, last, THINNED, tenth)
        for statement in REFRESH:
            await pool.execute(statement)

    async def tell(self, pool: Pool) -> None:
        """Enter the month into the ledger of changes: only then are answers about it kept."""
        await queries().note_changed_range(pool, start=self.start, stop=self.end)
