from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BATCH_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000)


class IngestMetrics:
    """Metrics of ingest; the count and sum of a histogram are totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.batch_readings = Histogram(
            "sensorflow_ingest_batch_readings",
            "Readings given to one transaction.",
            buckets=BATCH_SIZES,
            registry=registry,
        )
        self.commit_seconds = Histogram(
            "sensorflow_ingest_commit_seconds",
            "Time from the start of a transaction to the end of its commit.",
            registry=registry,
        )
        self.waiting_readings = Gauge(
            "sensorflow_ingest_waiting_readings",
            "Single readings that are not answered yet.",
            registry=registry,
        )
        self.waiting_batches = Gauge(
            "sensorflow_ingest_waiting_batches",
            "Batches that are not answered yet.",
            registry=registry,
        )
        self.skipped_fields = Counter(
            "sensorflow_ingest_skipped_fields",
            "String fields in line protocol, which are not stored.",
            registry=registry,
        )
        self._rejected = Counter(
            "sensorflow_ingest_rejected_readings",
            "Readings that were not stored.",
            ["code"],
            registry=registry,
        )

    def count_rejected(self, code: str, readings: int = 1) -> None:
        """Count readings that were rejected with one code."""
        self._rejected.labels(code).inc(readings)
