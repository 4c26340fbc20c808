-- name: schema_revision()$
-- The migration revision the database is at.
SELECT version_num FROM alembic_version;

-- name: rollup_lag(row_limit)^
-- How far what is added up is behind: the age of the oldest ledger row, whose late readings the rollups
-- still lack, or of the end of the partial hours if that is more than the usual 15 to 25 seconds; 0 for
-- neither. The age of that end by itself, and the number of pending readings.
WITH late AS (
    SELECT coalesce(extract(EPOCH FROM now() - min(created_at)), 0)::double precision AS seconds
    FROM rollup_dirty_ranges
),

partial AS (
    -- include: partial_hours_state()
),

rolled AS (
    SELECT
        extract(EPOCH FROM now() - end_ts)::double precision AS seconds,
        pending_readings
    FROM partial
)

SELECT
    greatest(late.seconds, CASE WHEN rolled.seconds > 30 THEN rolled.seconds END) AS seconds,
    rolled.seconds AS partial_hours_seconds,
    rolled.pending_readings
FROM late CROSS JOIN rolled;

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
