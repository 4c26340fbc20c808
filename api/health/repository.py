from collections import Counter
from collections.abc import Sequence
from math import nan

from asyncpg import Record, UndefinedTableError

from api.health.metrics import DURATION_BOUNDS, Durations, WorkState
from api.observability import RollupLag
from core.database import Pool, borrowed
from core.queries import all_rows, queries

MAX_PENDING_READINGS = 100_000  # that are counted


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

    async def rollup_lag(self) -> RollupLag:
        """How far rollups and partial hours are behind."""
        async with borrowed(self._pool) as connection:
            lag = await queries().rollup_lag(connection, row_limit=MAX_PENDING_READINGS)
        rolled = lag["partial_hours_seconds"]
        return RollupLag(lag["seconds"], nan if rolled is None else rolled, lag["pending_readings"])

    async def work_state(self) -> WorkState:
        """The depth of the queue, and the imports by state and duration."""
        async with borrowed(self._pool) as connection:
            jobs = await all_rows(queries().queue_depth, connection)
            imports = await all_rows(
                queries().import_durations, connection, bounds=list(DURATION_BOUNDS)
            )
        return WorkState({row["status"]: row["jobs"] for row in jobs}, *_by_state(imports))

    async def worker_alive(self) -> bool:
        """Whether a worker has sent a heartbeat recently."""
        async with borrowed(self._pool) as connection:
            return bool(await queries().worker_alive(connection))


def _by_state(rows: Sequence[Record]) -> tuple[dict[str, int], dict[str, Durations]]:
    """The imports of each state, and the durations of those that have one."""
    imports: Counter[str] = Counter()
    buckets: dict[str, list[int]] = {}
    seconds: Counter[str] = Counter()
    for row in rows:
        state, bucket = row["state"], row["bucket"]
        imports[state] += row["imports"]
        if bucket is not None:
            buckets.setdefault(state, [0] * (len(DURATION_BOUNDS) + 1))[bucket] += row["imports"]
            seconds[state] += row["seconds"]
    return imports, {state: Durations(counts, seconds[state]) for state, counts in buckets.items()}
