-- name: schema_revision()$
-- The migration revision the database is at.
SELECT version_num FROM alembic_version;

-- name: worker_alive()$
-- Whether a worker has been seen lately.
SELECT coalesce(max(seen_at) > now() - INTERVAL '30 seconds', false) FROM workers;
