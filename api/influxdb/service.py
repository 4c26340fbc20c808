from importlib.metadata import version
from time import monotonic

from api.health.schemas import Readiness
from api.health.service import HealthService
from api.influxdb.schemas import Check, Health, Ready
from core.time import utc_now

# The last release that has the routes of InfluxDB 1 and of 2; clients look for no more than "1.8".
INFLUXDB_VERSION = "1.8.10"


class InfluxDBService:
    """The state of this server in InfluxDB's words."""

    def __init__(self, health: HealthService) -> None:
        self._health = health
        self._started = utc_now()
        self._started_at_seconds = monotonic()

    async def health(self) -> Health:
        """Whether writes are taken; if not, the checks say what is missing."""
        readiness = await self._health.readiness()
        passes = readiness.status == "ready"
        return Health(
            name="influxdb",
            message="ready for queries and writes" if passes else "not ready for writes",
            status="pass" if passes else "fail",
            checks=[] if passes else _checks(readiness),
            version=INFLUXDB_VERSION,
            commit=f"sensorflow-{version('sensorflow')}",
        )

    async def ready(self) -> Ready:
        """Whether writes are taken, and how long the process has run."""
        readiness = await self._health.readiness()
        seconds = monotonic() - self._started_at_seconds
        return Ready(readiness.status, self._started, f"{seconds:.3f}s")


def _checks(readiness: Readiness) -> list[Check]:
    states = {
        "database": readiness.checks.database,
        "migrations": readiness.checks.migrations,
    }
    return [
        Check(name, "pass" if state == "ok" else "fail", state) for name, state in states.items()
    ]
