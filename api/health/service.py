import math

from asyncpg import UndefinedTableError

from api.health.repository import HealthRepository
from api.health.schemas import Checks, Readiness
from core.database import REVISION
from core.errors import DatabaseUnavailableError, SensorFlowError

UNKNOWN = Checks(database="unavailable", migrations="unknown", worker="unknown")


class HealthService:
    """Tells whether this server can do its work."""

    def __init__(self, repository: HealthRepository) -> None:
        self._repository = repository

    async def readiness(self) -> Readiness:
        """The state of everything a request needs; never raises for what is down."""
        try:
            checks = await self._checks()
        except DatabaseUnavailableError:
            checks = UNKNOWN
        ready = checks.database == "ok" and checks.migrations == "ok"
        return Readiness("ready" if ready else "unready", checks)

    async def rollup_lag_seconds(self) -> float:
        """How far the rollups are behind the rows; NaN when that cannot be told."""
        try:
            return await self._repository.rollup_lag_seconds()
        except (SensorFlowError, UndefinedTableError):
            return math.nan

    async def _checks(self) -> Checks:
        revision = await self._repository.revision()
        # A newer schema is fine: while a release rolls out, the old servers go on.
        if revision is None or revision < REVISION:
            return Checks(database="ok", migrations="behind", worker="unknown")
        alive = await self._repository.worker_alive()
        return Checks(database="ok", migrations="ok", worker="ok" if alive else "absent")
