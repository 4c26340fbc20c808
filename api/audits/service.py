from contextlib import suppress

from api.audits.metrics import AuditMetrics
from api.audits.schemas import Audit
from core.audits import audit
from core.database import Pool, borrowed
from core.errors import DatabaseUnavailableError
from core.queries import queries
from core.time import TimeRange


class AuditService:
    """Compares the rollups with the readings."""

    def __init__(self, pool: Pool, metrics: AuditMetrics) -> None:
        self._pool = pool
        self._metrics = metrics

    async def audit(self, time_range: TimeRange) -> Audit:
        """Audit the UTC days that overlap the range."""
        async with borrowed(self._pool) as connection:
            days = [day async for day in audit(connection, time_range.start, time_range.end)]
        wrong_buckets = sum(day.wrong_buckets for day in days)
        return Audit(time_range.start, time_range.end, len(days), wrong_buckets)

    async def update_metrics(self) -> None:
        """Update the metrics; they keep their values while the database is unavailable."""
        with suppress(DatabaseUnavailableError):
            async with borrowed(self._pool) as connection:
                counts = await queries().audit_counts(connection)
            if counts is not None:
                self._metrics.days.set(counts["days"])
                self._metrics.wrong_buckets.set(counts["wrong_buckets"])
