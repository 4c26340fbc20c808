from collections import Counter
from collections.abc import Sequence

from asyncpg import Record, UndefinedTableError

from api.health.metrics import DURATION_BOUNDS, Durations, WorkState
from core.database import Pool, borrowed
from core.queries import all_rows, queries


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
