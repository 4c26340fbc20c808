-- TimescaleDB's jobs, what became of them, and what they have left undone.

-- It runs as its owner, since TimescaleDB shows an error to members of the job's owner only. What never
-- was is -infinity there.
CREATE OR REPLACE FUNCTION policy_runs()
RETURNS TABLE (
    job_id integer,
    procedure text,
    target text,
    schedule_interval interval,
    is_scheduled boolean,
    next_start timestamptz,
    last_start timestamptz,
    last_success timestamptz,
    has_failed boolean,
    runs bigint,
    failures bigint,
    failures_in_a_row integer,
    error_state text,
    error text
)
LANGUAGE sql STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        job.job_id,
        job.proc_name::text,
        job.hypertable_name::text,
        job.schedule_interval,
        job.scheduled,
        CASE WHEN isfinite(run.next_start) THEN run.next_start END,
        run.last_run_started_at,
        CASE WHEN run.total_successes > 0 THEN run.last_successful_finish END,
        coalesce(run.last_run_status = 'Failed', false),
        run.total_runs,
        run.total_failures + kept.total_crashes,
        kept.consecutive_failures + kept.consecutive_crashes,
        last_error.sqlerrcode,
        last_error.err_message
    FROM timescaledb_information.jobs AS job
    LEFT JOIN timescaledb_information.job_stats AS run ON job.job_id = run.job_id
    LEFT JOIN _timescaledb_internal.bgw_job_stat AS kept ON job.job_id = kept.job_id
    LEFT JOIN LATERAL (
        SELECT
            failure.sqlerrcode,
            failure.err_message
        FROM timescaledb_information.job_errors AS failure
        WHERE run.last_run_status = 'Failed' AND failure.job_id = job.job_id
        ORDER BY failure.start_time DESC
        LIMIT 1
    ) AS last_error ON true
    WHERE job.proc_name <> 'policy_telemetry'
$$;

COMMENT ON FUNCTION policy_runs IS 'The jobs of TimescaleDB in this database, and their last runs.';

REVOKE ALL ON FUNCTION policy_runs FROM public;

-- A policy's work is overdue once the policy was due more than two of its intervals ago, whatever the
-- server tells of its runs. Where there is no policy any more, the usual intervals count.
CREATE OR REPLACE FUNCTION rollup_overdue_limit(rollup text) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT
        time_bucket(
            usual.width,
            now() - INTERVAL '30 minutes' - 3 * coalesce(
                (
                    SELECT max(job.schedule_interval)
                    FROM timescaledb_information.jobs AS job
                    WHERE
                        job.proc_name = 'policy_refresh_continuous_aggregate'
                        AND job.hypertable_schema = 'public'
                        AND job.hypertable_name = rollup
                ),
                usual.schedule_interval
            )
        )
    FROM (
        VALUES
        ('readings_1h', INTERVAL '1 hour', INTERVAL '10 minutes'),
        ('readings_1d', INTERVAL '1 day', INTERVAL '1 hour')
    ) AS usual (name, width, schedule_interval)
    WHERE usual.name = rollup
$$;

COMMENT ON FUNCTION rollup_overdue_limit IS
'Readings before this timestamp that the rollup has not materialised are left for the worker.';

CREATE OR REPLACE VIEW overdue_chunks AS
SELECT
    chunks.range_start,
    chunks.range_end
FROM timescaledb_information.chunks AS chunks
INNER JOIN timescaledb_information.jobs AS policy
    ON
        chunks.hypertable_schema = policy.hypertable_schema
        AND chunks.hypertable_name = policy.hypertable_name
WHERE
    chunks.hypertable_schema = 'public'
    AND chunks.hypertable_name = 'readings'
    AND policy.proc_name = 'policy_compression'
    AND NOT chunks.is_compressed
    AND greatest(
        chunks.range_end + (policy.config ->> 'compress_after')::interval,
        chunks.chunk_creation_time
    ) < now() - 3 * policy.schedule_interval;

-- It has its owner's privileges, and compresses what is overdue or open and nothing else.
CREATE OR REPLACE FUNCTION compress_readings(chunk_start timestamptz) RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        public.compress_chunk(
            format('%I.%I', chunk_schema, chunk_name)::regclass, if_not_compressed => true
        )
    FROM timescaledb_information.chunks
    WHERE
        hypertable_schema = 'public'
        AND hypertable_name = 'readings'
        AND range_start = chunk_start
        AND (
            is_compressed
            OR chunk_start IN (SELECT overdue.range_start FROM public.overdue_chunks AS overdue)
        )
$$;

COMMENT ON FUNCTION compress_readings IS
'Compresses the chunk that starts then, if it is overdue or has rows beside the columnstore.';

REVOKE ALL ON FUNCTION compress_readings FROM public;
