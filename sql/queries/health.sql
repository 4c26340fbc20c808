-- name: schema_revision()$
-- The migration revision the database is at.
SELECT version_num FROM alembic_version;

-- name: rollup_lag_seconds()$
-- The age of the oldest ledger row, whose late readings the rollups still lack; 0 without any.
SELECT coalesce(extract(EPOCH FROM now() - min(created_at)), 0)::double precision
FROM rollup_dirty_ranges;

-- name: worker_alive()$
-- Whether a worker has sent a heartbeat lately.
SELECT
    exists(
        SELECT FROM workers
        WHERE
            -- include: is_present()
    );

-- name: queue_depth()
-- How many jobs the queue has in each status.
SELECT
    status::text AS status,
    count(*) AS jobs
FROM queue.pgqueuer
GROUP BY status;

-- name: import_durations(bounds)
-- How many imports there are in each state, and of each bucket of the duration in seconds from the
-- first attempt to the end; bucket is null without an end, or where rejects were sent again later.
SELECT
    state,
    width_bucket(seconds, cast(:bounds AS double precision[])) AS bucket,
    count(*) AS imports,
    coalesce(sum(seconds), 0)::double precision AS seconds
FROM (
    SELECT
        imports.state,
        CASE
            WHEN imports.repair_at IS null
                THEN extract(EPOCH FROM imports.finished_at - imports.started_at)::double precision
        END AS seconds
    FROM imports
) AS ended
GROUP BY state, bucket;
