-- Who may do what. migrations/roles.py creates the roles.

-- sensorflow_bi reads the bi views and nothing else. Grant it to the tools' own users:
-- GRANT sensorflow_bi TO grafana;
GRANT USAGE ON SCHEMA bi TO sensorflow_bi;
GRANT SELECT ON ALL TABLES IN SCHEMA bi TO sensorflow_bi;

-- sensorflow_app is the API and the worker. It owns nothing. A lock (FOR UPDATE, FOR SHARE) needs UPDATE
-- on some column: retention_horizon and data_changes have one that never changes.
GRANT USAGE ON SCHEMA public, queue TO sensorflow_app;
GRANT SELECT ON
alembic_version,
current_1d,
current_1h,
data_state,
hour_pieces,
materialised,
materialised_1d,
materialised_1h,
measured,
overdue_chunks,
partial_hours_range,
partial_hours_seam,
readings_1d,
readings_1h,
reserved_routines,
retention_horizon,
stale_ranges
TO sensorflow_app;
GRANT UPDATE (only_row) ON retention_horizon TO sensorflow_app;
GRANT SELECT, INSERT, UPDATE ON
data_versions,
equipment,
imports,
readings,
rollup_audits
TO sensorflow_app;
GRANT SELECT, INSERT, DELETE ON
data_changes,
opened_chunks,
pending_readings,
rollup_dirty_ranges,
sign_ins,
spent_tokens
TO sensorflow_app;
GRANT UPDATE (id) ON data_changes TO sensorflow_app;
GRANT UPDATE (start_ts, end_ts, announced_end) ON partial_hours_range TO sensorflow_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON
idempotency_keys,
ingest_minutes,
live_listeners,
partial_hours,
refresh_lease,
sessions,
sign_in_failures,
workers,
queue.pgqueuer
TO sensorflow_app;
GRANT SELECT, INSERT ON queue.pgqueuer_log TO sensorflow_app;
GRANT SELECT ON queue.pgqueuer_schedules, queue.pgqueuer_statistics TO sensorflow_app;
GRANT USAGE ON SEQUENCE queue.pgqueuer_id_seq TO sensorflow_app;
GRANT EXECUTE ON FUNCTION
compress_readings,
end_long_bi_transactions,
policy_runs
TO sensorflow_app;
