from contextlib import suppress

from asyncpg import UndefinedTableError

from api.health.metrics import WorkCollector
from api.health.repository import HealthRepository
from api.health.schemas import Checks, Readiness
from api.observability import UNKNOWN_LAG, RollupLag
from core.database import REVISION
from core.errors import DatabaseUnavailableError, SensorFlowError

UNKNOWN = Checks(database="unavailable", migrations="unknown", worker="unknown")


class HealthService:
    """Checks whether this server can serve requests."""

    def __init__(self, repository: HealthRepository, work: WorkCollector) -> None:
        self._repository = repository
        self._work = work

    async def readiness(self) -> Readiness:
        """The state of what requests depend on; never raises for what is down."""
        try:
            checks = await self._checks()
        except DatabaseUnavailableError:
            checks = UNKNOWN
        ready = checks.database == "ok" and checks.migrations == "ok"
        return Readiness("ready" if ready else "unready", checks)

    async def rollup_lag(self) -> RollupLag:
        """The lag of rollups and partial hours behind the rows, as far as it is known."""
        try:
            return await self._repository.rollup_lag()
        except (SensorFlowError, UndefinedTableError):
            return UNKNOWN_LAG

    async def update_metrics(self) -> None:
        """Update the metrics of queue and imports; there are none while they are unknown."""
        self._work.state = None
        with suppress(SensorFlowError, UndefinedTableError):
            self._work.state = await self._repository.work_state()

    async def _checks(self) -> Checks:
        revision = await self._repository.revision()
        # A newer schema is fine: old servers go on while a release rolls out.
        if revision is None or revision < REVISION:
            return Checks(database="ok", migrations="behind", worker="unknown")
        alive = await self._repository.worker_alive()
        return Checks(database="ok", migrations="ok", worker="ok" if alive else "absent")
