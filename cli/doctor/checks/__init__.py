"""Everything that `sensorflow doctor` looks at, in the order in which it does."""

from cli.doctor.check import Check, on_database
from cli.doctor.checks import chunks, jobs, queue, rollups, server, sessions, settings
from cli.doctor.checks.sign_in import check_roles, check_sign_in
from cli.doctor.checks.storage import check_storage

CHECKS = (
    Check("Settings", settings.check_settings),
    Check("Roles and schema", check_roles, needs_database=True),
    on_database("Versions", server.check_versions),
    on_database("Clock", server.check_clock),
    on_database("Connections", sessions.check_connections),
    on_database("Transactions", sessions.check_transactions),
    on_database("Replication", sessions.check_replication),
    on_database("Background workers", server.check_background_workers),
    on_database("Jobs of TimescaleDB", jobs.check_jobs),
    on_database("Rollups", rollups.check_rollups),
    on_database("Late readings", rollups.check_stale_ranges),
    on_database("Partial hours", rollups.check_partial_hours),
    on_database("Chunks", chunks.check_sizes),
    on_database("Columnstore", chunks.check_columnstore),
    on_database("Unused space", chunks.check_unused_space),
    on_database("Workers and queue", queue.check_queue),
    Check("Storage", check_storage),
    Check("Sign-in", check_sign_in),
)
