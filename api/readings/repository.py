from collections.abc import Sequence
from datetime import datetime

from core.database import Pool, borrowed
from core.queries import queries
from core.readings import Reading


class ReadingRepository:
    """Writes readings."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def save(self, readings: Sequence[Reading]) -> datetime | None:
        """Store readings of distinct keys, last write wins; all committed when this returns.

        Those below the retention horizon, which comes back, are not stored.
        """
        async with borrowed(self._pool) as connection:
            horizon: datetime | None = await queries().save_readings(
                connection,
                equipment_ids=[reading.equipment_id for reading in readings],
                moments=[reading.ts for reading in readings],
                numbers=[reading.value for reading in readings],
            )
        return horizon
