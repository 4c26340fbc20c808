-- name: schema_revision()$
-- The migration revision the database is at.
SELECT version_num FROM alembic_version;

-- name: rollup_lag_seconds()$
-- How long the oldest rows have waited that the rollups have not taken up yet; 0 if none do.
SELECT coalesce(extract(EPOCH FROM now() - min(created_at)), 0)::double precision
FROM rollup_dirty_ranges;

-- name: worker_alive()$
-- Whether a worker has been seen lately.
SELECT coalesce(max(seen_at) > now() - interval '30 seconds', false) FROM workers;
