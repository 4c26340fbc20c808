"""Watches TimescaleDB's jobs: what fails or does not run is logged, and measured."""

import asyncpg
import structlog

from core.database import Pool
from core.policies import remedy_for
from core.queries import all_rows, queries
from jobs.metrics import PolicyMetrics

log = structlog.get_logger()


class PolicyWatch:
    """Logs each failure of a job once, and once each time that a job becomes overdue."""

    def __init__(self, metrics: PolicyMetrics) -> None:
        self._metrics = metrics
        self._failures: dict[int, int] = {}
        self._overdue: set[int] = set()

    async def look(self, pool: Pool) -> None:
        """Read the state of every job."""
        async with pool.acquire() as connection:
            runs = await all_rows(queries().policy_runs, connection)
        self._metrics.set(runs)
        for run in runs:
            self._report(run)

    def _report(self, run: asyncpg.Record) -> None:
        job_id, failures = run["job_id"], run["failures"] or 0
        if run["failures_in_a_row"] and failures != self._failures.get(job_id):
            log.warning("policy_failed", **_details(run))
        elif run["is_overdue"] and job_id not in self._overdue:
            log.warning("policy_overdue", **_details(run))
        self._failures[job_id] = failures
        (self._overdue.add if run["is_overdue"] else self._overdue.discard)(job_id)


def _details(run: asyncpg.Record) -> dict[str, object]:
    last_success = run["last_success"]
    return {
        "job_id": run["job_id"],
        "procedure": run["procedure"],
        "target": run["target"],
        "is_scheduled": run["is_scheduled"],
        "last_success": last_success and last_success.isoformat(),
        "failures_in_a_row": run["failures_in_a_row"],
        "error": run["error"],
        "remedy": remedy_for(run["error_state"], run["job_id"]),
    }
