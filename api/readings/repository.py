from datetime import datetime

from core.database import Pool, borrowed
from core.queries import queries
from core.readings import Reading


class ReadingRepository:
    """Writes readings."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def save(self, reading: Reading) -> datetime | None:
        """Store the reading, last write wins; committed when this returns.

        A reading below the retention horizon is not stored, and the horizon comes back.
        """
        async with borrowed(self._pool) as connection:
            horizon: datetime | None = await queries().save_reading(
                connection,
                equipment_id=reading.equipment_id,
                ts=reading.ts,
                value=reading.value,
            )
        return horizon
