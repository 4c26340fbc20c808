from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter


class ResultSource(StrEnum):
    """Where the result of a response came from; the values are the metric's labels."""

    DATABASE = "found"
    CACHE = "kept"
    SHARED_EXECUTION = "shared"
    CLIENT = "not_modified"


class AggregateMetrics:
    """Responses by the source of their result, and failures of the Valkey cache."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._responses = Counter(
            "sensorflow_aggregate_answers",
            "Responses: not_modified and kept (cached) ones ran no query, shared ones another's.",
            ["by"],
            registry=registry,
        )
        self.cache_failures = Counter(
            "sensorflow_aggregate_keeping_failures",
            "Failed uses of the Valkey that caches results.",
            registry=registry,
        )

    def count_response(self, source: ResultSource) -> None:
        """Count one response."""
        self._responses.labels(source).inc()
