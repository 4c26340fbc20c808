-- name: schema_revision()$
-- The migration revision the database is at.
SELECT version_num FROM alembic_version;

-- name: rollup_lag_seconds()$
-- The age of the oldest ledger row, whose late readings the rollups still lack; 0 without any.
SELECT coalesce(extract(EPOCH FROM now() - min(created_at)), 0)::double precision
FROM rollup_dirty_ranges;

-- name: worker_alive()$
-- Whether a worker has reported within the last 30 seconds.
SELECT coalesce(max(seen_at) > now() - interval '30 seconds', false) FROM workers;
