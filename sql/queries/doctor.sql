-- What `sensorflow doctor database` asks. It answers for any database, migrated or not.

-- name: role_of_session()^
-- Who this session is, and what that role may do that the application need not.
SELECT
    session_role.rolname AS name,
    session_role.rolsuper AS is_superuser,
    exists(
        SELECT FROM pg_class AS readings
        WHERE
            readings.relname = 'readings'
            AND readings.relnamespace = to_regnamespace('public')
            AND pg_has_role(readings.relowner, 'USAGE')
    ) AS is_owner,
    has_schema_privilege('public', 'CREATE') AS may_create_tables,
    coalesce(pg_has_role(to_regrole('sensorflow_app'), 'USAGE'), false) AS is_application
FROM pg_roles AS session_role
WHERE session_role.rolname = current_user;

-- name: rollup_owner()^
-- Who owns the rollups, and whether this session may become that role to refresh them.
SELECT
    pg_get_userbyid(relowner)::text AS name,
    pg_has_role(relowner, 'MEMBER') AS may_refresh
FROM pg_class
WHERE oid = to_regclass('public.readings_1h');

-- name: open_reserved_routines()
-- The functions of administrators that every login of the database may execute.
SELECT name::text FROM reserved_routines
WHERE is_open_to_all;

-- What `sensorflow doctor` asks besides. What a role may not see of others is null.

-- name: server_versions()^
-- The server, TimescaleDB as it is loaded and as it is installed, its edition, and whether a job has
-- succeeded since the server started.
SELECT
    current_setting('server_version_num')::integer AS server_number,
    split_part(current_setting('server_version'), ' ', 1) AS postgresql,
    version() LIKE '%emcc%' AS is_embedded,
    extension.extversion AS timescaledb,
    available.default_version AS installed,
    current_setting('timescaledb.license', true) AS license,
    exists(
        SELECT FROM timescaledb_information.job_stats AS run
        WHERE
            run.total_successes > 0
            AND run.last_successful_finish > pg_postmaster_start_time()
    ) AS has_succeeded
FROM pg_extension AS extension
LEFT JOIN pg_available_extensions AS available ON extension.extname = available.name
WHERE extension.extname = 'timescaledb';

-- name: background_workers()^
-- How many processes the server may have for TimescaleDB's jobs, how many jobs there are, how many
-- databases have a scheduler, and whether this one has; null if this role may not see it.
SELECT
    current_setting('max_worker_processes')::integer AS max_processes,
    current_setting('timescaledb.max_background_workers', true)::integer AS max_background_workers,
    current_setting('max_parallel_workers')::integer AS max_parallel_workers,
    (
        SELECT count(*) FROM timescaledb_information.jobs
        WHERE jobs.scheduled
    ) AS jobs,
    (
        SELECT count(*) FROM pg_stat_activity AS process
        WHERE process.backend_type = 'TimescaleDB Background Worker Scheduler'
    ) AS schedulers,
    CASE
        WHEN pg_has_role('pg_read_all_stats', 'USAGE')
            THEN EXISTS (
                SELECT FROM pg_stat_activity AS process
                WHERE
                    process.datname = current_database()
                    AND process.backend_type = 'TimescaleDB Background Worker Scheduler'
            )
    END AS has_scheduler;

-- name: missing_policies()
-- The rollups and tables that have no policy.
SELECT expected.target
FROM (
    VALUES
    ('readings', 'policy_compression'),
    ('readings_1h', 'policy_refresh_continuous_aggregate'),
    ('readings_1d', 'policy_refresh_continuous_aggregate')
) AS expected (target, procedure)
WHERE
    NOT EXISTS (
        SELECT FROM timescaledb_information.jobs
        WHERE
            jobs.hypertable_name = expected.target
            AND jobs.proc_name = expected.procedure
    )
ORDER BY expected.target;

-- name: partial_hours_age()^
-- Up to where readings are added up that no rollup has yet, and how long ago that was; null before the
-- first time.
SELECT
    CASE WHEN covered.end_ts > '-infinity' THEN covered.end_ts END AS end_ts,
    CASE
        WHEN covered.end_ts > '-infinity'
            THEN extract(EPOCH FROM now() - covered.end_ts)::double precision
    END AS age_seconds,
    (SELECT count(*) FROM pending_readings) AS pending
FROM partial_hours_range AS covered;

-- name: chunk_sizes()^
-- How many chunks there are, and the size of the latest two with their indexes, beside the server's
-- buffers.
SELECT
    count(*) AS chunks,
    coalesce(
        sum(pg_total_relation_size(format('%I.%I', chunk_schema, chunk_name)::regclass))
        FILTER (WHERE place <= 2 AND NOT is_compressed),
        0
    )::bigint AS latest_bytes,
    (
        SELECT (buffers.setting::bigint * 8192) FROM pg_settings AS buffers
        WHERE buffers.name = 'shared_buffers'
    ) AS buffer_bytes
FROM (
    SELECT
        chunk_schema,
        chunk_name,
        is_compressed,
        row_number() OVER (ORDER BY range_start DESC) AS place
    FROM timescaledb_information.chunks
    WHERE hypertable_name = 'readings'
) AS numbered;

-- name: compression_debt()^
-- How many chunks should long be in the columnstore, and how many there were written to and wait to be
-- compressed again.
SELECT
    (SELECT count(*) FROM overdue_chunks) AS overdue,
    (SELECT min(overdue_chunks.range_start) FROM overdue_chunks) AS first_start,
    (
        SELECT count(DISTINCT opened.range_start)
        FROM opened_chunks AS opened
        LEFT JOIN imports ON opened.import_id = imports.id
        WHERE
            (imports.state IN ('queued', 'loading')) IS NOT true
    ) AS opened;

-- name: unused_space(min_rows)
-- The tables with more dead rows than live ones and than :min_rows, the worst first.
SELECT
    schemaname || '.' || relname AS name,
    n_dead_tup AS dead,
    n_live_tup AS live,
    greatest(last_vacuum, last_autovacuum) AS vacuumed_at
FROM pg_stat_user_tables
WHERE n_dead_tup > :min_rows AND n_dead_tup > n_live_tup
ORDER BY n_dead_tup DESC
LIMIT 5;

-- name: idle_transactions(idle_seconds, open_seconds)
-- The sessions that have been idle in a transaction, or have had one open, for so long.
SELECT
    pid,
    usename::text AS login,
    application_name,
    state,
    extract(EPOCH FROM now() - xact_start)::double precision AS seconds
FROM pg_stat_activity
WHERE
    datname = current_database()
    AND backend_type = 'client backend'
    AND (
        (
            state LIKE 'idle in transaction%'
            AND state_change < now() - make_interval(secs => :idle_seconds)
        )
        OR xact_start < now() - make_interval(secs => :open_seconds)
    )
ORDER BY xact_start;

-- name: replication_slots()
-- The slots of replicas and the bytes of WAL that each holds back.
SELECT
    slot_name::text AS name,
    active AS is_active,
    CASE
        WHEN NOT pg_is_in_recovery()
            THEN coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint
    END AS held_bytes
FROM pg_replication_slots
ORDER BY slot_name;

-- name: replicas()
-- The replicas that are connected, and how far behind they are.
SELECT
    application_name AS name,
    state,
    extract(EPOCH FROM replay_lag)::double precision AS lag_seconds
FROM pg_stat_replication
ORDER BY application_name;

-- name: server_clock()$
-- The timestamp of the server.
SELECT clock_timestamp();
