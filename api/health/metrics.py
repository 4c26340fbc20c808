"""Metrics that are read at each scrape: the queue, the imports, the connections to the database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import ControlPool, Pool, waiting_borrowers
from core.imports import ImportState

# Upper bounds of the buckets in seconds: a small file takes one, a year of a plant an hour.
DURATION_BOUNDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0)

READINGS_POOL = "readings"
CONTROL_POOL = "control"


@dataclass(frozen=True, slots=True)
class Durations:
    """How long imports took: `buckets` counts those above each of DURATION_BOUNDS, and the rest."""

    buckets: Sequence[int]
    total_seconds: float


@dataclass(frozen=True, slots=True)
class WorkState:
    """The queue and the imports in the database."""

    jobs: Mapping[str, int]
    imports: Mapping[str, int]
    durations: Mapping[str, Durations]


class WorkCollector(Collector):
    """The WorkState of the last update, the same in every process; nothing while it is unknown."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.state: WorkState | None = None
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """The metrics in Prometheus's model."""
        if self.state is None:
            return
        jobs = GaugeMetricFamily("sensorflow_queue_jobs", "Jobs in the queue.", labels=["status"])
        for status in ("queued", "picked"):
            jobs.add_metric([status], self.state.jobs.get(status, 0))
        yield jobs
        imports = GaugeMetricFamily("sensorflow_imports", "Imports.", labels=["state"])
        for state in ImportState:
            imports.add_metric([state], self.state.imports.get(state, 0))
        yield imports
        yield _histogram(self.state.durations)


class DatabaseConnections(Collector):
    """The pools of this process: their connections, and who waits for one."""

    def __init__(self, registry: CollectorRegistry, pool: Pool, engine: AsyncEngine) -> None:
        self._pool = pool
        self._control = engine.pool
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """The metrics in Prometheus's model."""
        name = "sensorflow_database_connections"
        connections = GaugeMetricFamily(name, "Open connections.", labels=["pool", "state"])
        limits = GaugeMetricFamily(f"{name}_max", "Connections at most.", labels=["pool"])
        waiting = GaugeMetricFamily(
            f"{name}_waiting", "Requests that wait for a connection.", labels=["pool"]
        )
        for pool, idle, used, limit, waiters in self._pools():
            connections.add_metric([pool, "idle"], idle)
            connections.add_metric([pool, "used"], used)
            limits.add_metric([pool], limit)
            waiting.add_metric([pool], waiters)
        return connections, limits, waiting

    def _pools(self) -> Iterator[tuple[str, int, int, int, int]]:
        idle = self._pool.get_idle_size()
        used = self._pool.get_size() - idle
        yield READINGS_POOL, idle, used, self._pool.get_max_size(), waiting_borrowers()
        control = self._control
        if isinstance(control, ControlPool):
            used = control.checkedout()
            yield CONTROL_POOL, control.checkedin(), used, control.size(), control.waiting


def _histogram(durations: Mapping[str, Durations]) -> Metric:
    histogram = HistogramMetricFamily(
        "sensorflow_import_duration_seconds",
        "Time from the first attempt at an import to its end.",
        labels=["state"],
    )
    bounds = [*map(str, DURATION_BOUNDS), "+Inf"]
    for state, found in durations.items():
        cumulative = accumulate(found.buckets)
        histogram.add_metric(
            [state], list(zip(bounds, cumulative, strict=True)), found.total_seconds
        )
    return histogram
