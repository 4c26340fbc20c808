-- What the worker watches of TimescaleDB's jobs.

-- name: policy_runs()
-- Every job of this database, and whether its last success is more than three of its intervals ago; where it
-- never had one, whether it has failed three times.
SELECT
    job_id,
    procedure,
    target,
    schedule_interval,
    is_scheduled,
    last_success,
    failures,
    failures_in_a_row,
    error_state,
    error,
    coalesce(
        last_success < now() - 3 * schedule_interval, failures_in_a_row > 2, false
    ) AS is_overdue
FROM policy_runs()
ORDER BY job_id;
