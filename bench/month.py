"""A month of readings up to now: 1,000 ids with the same timestamps, in a given number of rows.

The first half of the ids has a prefix of its own, HALF_PREFIX.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.table import DAYS, IDS
from core.database import Pool
from core.queries import queries
from core.time import utc_now

HALF = IDS // 2
HALF_PREFIX = "EQ-0"
THINNING = 10  # the tenth that is stored first is every tenth row

FILL = """
INSERT INTO readings (equipment_id, ts, value)
SELECT
    format('EQ-%s%s', id / 500, lpad((id % 500)::text, 3, '0')),
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


def month_equipment(number: int) -> str:
    """The id with this number, from 0 to 999."""
    return f"EQ-{number // HALF}{number % HALF:03d}"


@dataclass(frozen=True)
class Month:
    """Its start, and how many readings each id has once it is filled."""

    start: datetime
    readings: int

    @classmethod
    def of_rows(cls, rows: int) -> "Month":
        """The month up to the current hour with so many rows, a multiple of ten for each id."""
        end = utc_now().replace(minute=0, second=0, microsecond=0)
        readings = THINNING * math.ceil(rows / IDS / THINNING)
        return cls(end - timedelta(days=DAYS), readings)

    @property
    def end(self) -> datetime:
        """The end, exclusive."""
        return self.start + timedelta(days=DAYS)

    async def fill(self, pool: Pool, *, tenth: bool) -> None:
        """Store each tenth row, or all others, in the same buckets; then refresh the rollups."""
        step = timedelta(days=DAYS) / self.readings
        day = math.ceil(self.readings / DAYS)
        for first in range(0, self.readings, day):
            last = min(first + day, self.readings)
            await pool.execute(FILL, self.start, step, first, last, THINNING, tenth)
        for statement in REFRESH:
            await pool.execute(statement)

    async def record_changes(self, pool: Pool) -> None:
        """Record the month in the ledger of changes: only then are results about it cached."""
        await queries().note_changed_range(pool, start=self.start, stop=self.end)
