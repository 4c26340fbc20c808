from prometheus_client import CollectorRegistry, Counter


class AnswerMetrics:
    """How answers came about, and how often they could not be kept."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "sensorflow_aggregate_answers",
            "Answers: not_modified and kept ones needed no query, shared ones had another's.",
            ["by"],
            registry=registry,
        )
        self.failures = Counter(
            "sensorflow_aggregate_keeping_failures",
            "Times that the Valkey of the kept answers was of no use.",
            registry=registry,
        )

    def count(self, by: str) -> None:
        """Count one answer."""
        self._answers.labels(by).inc()
