from prometheus_client import CollectorRegistry, Gauge


class AuditMetrics:
    """The results of audits in all processes, from the database."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.days = Gauge(
            "sensorflow_audit_days", "Days whose rollups were audited.", registry=registry
        )
        self.wrong_buckets = Gauge(
            "sensorflow_audit_wrong_buckets",
            "Buckets of rollups that audits found wrong.",
            registry=registry,
        )
