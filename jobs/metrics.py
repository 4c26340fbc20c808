"""The worker's own metrics, and the address on which they are served."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter

from asyncpg import Record
from pgqueuer.domain.errors import RetryRequested
from prometheus_client import CollectorRegistry, Gauge, Histogram, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from core.listening import ListenAddress
from core.setting_types import split_address
from core.settings import WorkerSettings

JOB_BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 14_400)
TASK_BUCKETS = (0.01, 0.05, 0.25, 1, 5, 30, 120, 600)

PeriodicTask = Callable[[], Awaitable[object]]


class PolicyMetrics:
    """The metrics of TimescaleDB's jobs: the same at each worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, description: str) -> Gauge:
            labels = ("job", "procedure", "target")
            return Gauge(f"sensorflow_policy_{name}", description, labels, registry=registry)

        self._last_success = gauge(
            "last_success_timestamp_seconds", "When a job of TimescaleDB succeeded last."
        )
        self._failures = gauge("failures_in_a_row", "Failures of a job since it succeeded last.")
        self._overdue = gauge(
            "overdue", "1: its last success is more than three of its intervals ago."
        )

    def set(self, runs: Iterable[Record]) -> None:
        """Show these jobs and no others."""
        for gauge in (self._last_success, self._failures, self._overdue):
            gauge.clear()
        for run in runs:
            labels = (run["job_id"], run["procedure"], run["target"] or "")
            if run["last_success"] is not None:
                self._last_success.labels(*labels).set(run["last_success"].timestamp())
            self._failures.labels(*labels).set(run["failures_in_a_row"] or 0)
            self._overdue.labels(*labels).set(run["is_overdue"])


class WorkerMetrics:
    """The metrics of the process, of its jobs and of its periodic tasks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.policies = PolicyMetrics(self.registry)
        self._jobs = Histogram(
            "sensorflow_worker_job_duration_seconds",
            "Time of an attempt at an import; retried: the queue is to try again.",
            ["outcome"],
            buckets=JOB_BUCKETS,
            registry=self.registry,
        )
        self._tasks = Histogram(
            "sensorflow_worker_task_duration_seconds",
            "Time of a periodic task, such as a refresh of the rollups.",
            ["task", "outcome"],
            buckets=TASK_BUCKETS,
            registry=self.registry,
        )

    @contextmanager
    def job(self) -> Iterator[None]:
        """Observe an attempt at a job."""
        began, outcome = perf_counter(), "failed"
        try:
            yield
            outcome = "ended"
        except RetryRequested:
            outcome = "retried"
            raise
        finally:
            self._jobs.labels(outcome).observe(perf_counter() - began)

    def observed(self, name: str, task: PeriodicTask) -> PeriodicTask:
        """The task, each run of which is observed."""

        async def run() -> None:
            began, outcome = perf_counter(), "failed"
            try:
                await task()
                outcome = "ended"
            finally:
                self._tasks.labels(name, outcome).observe(perf_counter() - began)

        return run


@contextmanager
def served(metrics: WorkerMetrics, settings: WorkerSettings) -> Iterator[None]:
    """Serve the metrics in a thread of its own, if an address is set. Raises SettingError."""
    if settings.metrics_address is None:
        yield
        return
    host, port = split_address(settings.metrics_address)
    field = "metrics_address"
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise ListenAddress(host, port, WorkerSettings, field, field).error(error) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
