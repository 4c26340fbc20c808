-- What GET /system answers. Each statement is a part that may fail without the others.

-- name: begin_reading_system(milliseconds)$
-- Limit the time of each statement of this transaction, whose timestamp is returned.
SELECT now() AS as_of
FROM set_config('statement_timeout', :milliseconds, true);

-- name: ingested_readings(row_limit)
-- The readings stored in each minute of the last day that has any, in order. Of entries that no worker
-- has added up yet, :row_limit are looked at: the latest.
SELECT
    minute,
    sum(readings)::bigint AS readings
FROM (
    SELECT
        minute,
        readings
    FROM ingest_minutes
    UNION ALL
    SELECT
        date_trunc('minute', created_at) AS minute,
        readings
    FROM (
        SELECT
            created_at,
            readings
        FROM data_changes
        ORDER BY id DESC
        LIMIT :row_limit
    ) AS latest
    WHERE readings > 0
) AS counted
WHERE minute > now() - interval '1 day'
GROUP BY minute
ORDER BY minute;

-- name: queue_state()^
-- Unfinished imports by state, the jobs of the queue, and since when the oldest of them is due.
WITH unfinished AS (
    SELECT
        count(*) FILTER (WHERE state = 'awaiting_upload') AS awaiting_upload,
        count(*) FILTER (WHERE state = 'queued') AS queued,
        count(*) FILTER (WHERE state = 'loading') AS loading,
        count(*) FILTER (WHERE state = 'aggregating') AS aggregating
    FROM imports
    WHERE state IN ('awaiting_upload', 'queued', 'loading', 'aggregating')
),

jobs AS (
    SELECT
        count(*) FILTER (WHERE status = 'queued') AS queued_jobs,
        count(*) FILTER (WHERE status = 'picked') AS picked_jobs,
        min(greatest(created, execute_after)) FILTER (
            WHERE status = 'queued' AND execute_after <= now()
        ) AS due_since
    FROM queue.pgqueuer
)

SELECT
    unfinished.awaiting_upload,
    unfinished.queued,
    unfinished.loading,
    unfinished.aggregating,
    jobs.queued_jobs,
    jobs.picked_jobs,
    jobs.due_since
FROM unfinished CROSS JOIN jobs;

-- name: rollup_state()
-- Of each rollup the watermark, null before the first refresh, the timestamp up to which it may be
-- refreshed by now, and the one that its watermark should have reached by its policy or a worker.
SELECT
    rollup.name,
    rollup_refresh_limit(rollup.width) AS refresh_limit,
    CASE
        WHEN rollup_watermark(rollup.name) >= '0001-01-02 00:00:00+00'
            THEN rollup_watermark(rollup.name)
    END AS watermark,
    time_bucket(rollup.width, now() - interval '30 minutes' - rollup.grace) AS expected
FROM (
    VALUES
    ('readings_1h', interval '1 hour', interval '1 hour'),
    ('readings_1d', interval '1 day', interval '4 hours')
) AS rollup (name, width, grace);

-- name: partial_hours_state(row_limit)^
-- How far what no rollup holds is added up.
SELECT
    end_ts,
    pending_readings
FROM (
    -- include: partial_hours_state()
) AS partial;

-- name: has_readings_between(start, stop)$
-- Whether there is a reading at or after the first timestamp, null for any, and before the second.
SELECT
    exists(
        SELECT FROM readings
        WHERE
            ts >= coalesce(:start::timestamptz, '-infinity')
            AND ts < :stop::timestamptz
    );

-- name: refresh_lease_state()^
-- Who refreshes the rollups at the moment, as far as the server tells; no row: nobody.
SELECT
    lease.holder,
    lease.renewed_at,
    host(session.client_addr) AS address,
    session.backend_start AS connected_at
FROM refresh_lease AS lease
LEFT JOIN pg_stat_activity AS session ON session.pid = lease.backend_pids[1];

-- name: stale_ranges(row_limit)
-- The ranges in the ledger of dirty ranges, overlapping ones merged, those that have waited longest
-- first; how many there are in all; and whether a range only waits for its import to be loaded.
WITH entries AS (
    SELECT
        ledger.id,
        ledger.range_start,
        ledger.range_end,
        ledger.created_at,
        coalesce(imports.state = 'loading', false) AS is_loading,
        max(ledger.range_end) OVER (
            ORDER BY ledger.range_start, ledger.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS reached
    FROM rollup_dirty_ranges AS ledger
    LEFT JOIN imports ON ledger.import_id = imports.id
),

numbered AS (
    SELECT
        range_start,
        range_end,
        created_at,
        is_loading,
        count(*) FILTER (WHERE reached IS null OR range_start > reached) OVER (
            ORDER BY range_start, id
        ) AS number
    FROM entries
)

SELECT
    min(range_start) AS range_start,
    max(range_end) AS range_end,
    min(created_at) AS stale_since,
    min(created_at) FILTER (WHERE NOT is_loading) AS due_since,
    count(*) OVER () AS ranges
FROM numbered
GROUP BY number
ORDER BY stale_since, range_start
LIMIT :row_limit;

-- name: workers(row_limit)
-- The workers that sent a heartbeat last, and whether they are there.
SELECT
    id,
    seen_at,
    -- include: is_present()
    AS is_present
FROM workers
ORDER BY seen_at DESC
LIMIT :row_limit;

-- name: failed_imports(row_limit)
-- The imports that failed in the last week, the latest first, and how many failed in the last day.
SELECT
    id,
    file_name,
    error_code,
    error_message,
    finished_at,
    count(*) FILTER (WHERE finished_at > now() - interval '1 day') OVER () AS failed_in_a_day
FROM imports
WHERE state = 'failed' AND finished_at > now() - interval '7 days'
ORDER BY finished_at DESC
LIMIT :row_limit;

-- name: policies()
-- TimescaleDB's jobs for the readings and their rollups, and what it tells of their last runs.
SELECT
    job_id,
    procedure,
    target,
    schedule_interval,
    is_scheduled,
    next_start,
    last_start,
    last_success,
    has_failed,
    runs,
    failures,
    failures_in_a_row,
    error
FROM policy_runs()
WHERE target IN ('readings', 'readings_1h', 'readings_1d')
ORDER BY job_id;

-- name: database_state()^
-- What the server is, the revision of its schema, and its connections; sessions is null where the
-- server counts none.
SELECT
    split_part(current_setting('server_version'), ' ', 1) AS postgresql,
    extension.extversion AS timescaledb,
    current_setting('timescaledb.license', true) AS license,
    (SELECT max(alembic_version.version_num) FROM alembic_version) AS revision,
    (
        SELECT nullif(sum(pg_stat_database.numbackends), 0)::integer FROM pg_stat_database
    ) AS sessions,
    current_setting('max_connections')::integer AS max_sessions
FROM pg_extension AS extension
WHERE extension.extname = 'timescaledb';

-- name: storage_state()^
-- The chunks of the readings, their size with indexes and columnstore, and that of the database.
SELECT
    count(*) AS chunks,
    count(*) FILTER (WHERE is_compressed) AS columnstore_chunks,
    min(range_start) AS first_start,
    max(range_end) AS last_end,
    hypertable_approximate_size('readings') AS readings_bytes,
    pg_database_size(current_database()) AS database_bytes,
    (SELECT retention_horizon.horizon FROM retention_horizon) AS horizon
FROM timescaledb_information.chunks
WHERE hypertable_name = 'readings';
