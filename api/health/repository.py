from asyncpg import UndefinedTableError

from core.database import Pool, borrowed
from core.queries import queries


class HealthRepository:
    """Queries the state of the database and of the workers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def revision(self) -> str | None:
        """The revision of the schema; None if it was never migrated."""
        async with borrowed(self._pool) as connection:
            try:
                revision: str | None = await queries().schema_revision(connection)
            except UndefinedTableError:
                return None
        return revision

    async def rollup_lag_seconds(self) -> float:
        """The age of the oldest late rows that the rollups do not include yet."""
        async with borrowed(self._pool) as connection:
            return float(await queries().rollup_lag_seconds(connection))

    async def worker_alive(self) -> bool:
        """Whether a worker has sent a heartbeat recently."""
        async with borrowed(self._pool) as connection:
            return bool(await queries().worker_alive(connection))
