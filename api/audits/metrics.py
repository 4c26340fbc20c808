from prometheus_client import CollectorRegistry, Gauge


class AuditMetrics:
    """What audits have found, in whatever process they ran."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.days = Gauge(
            "sensorflow_audit_days", "Days whose rollups were audited.", registry=registry
        )
        self.wrong_buckets = Gauge(
            "sensorflow_audit_wrong_buckets",
            "Buckets of rollups that audits found wrong.",
            registry=registry,
        )
