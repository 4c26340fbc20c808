-- name: disable_parallel_query()$
-- Execute the session's statements without parallel workers: the other refreshing session uses the
-- other core, and workers would make the check sort rows that an index returns in order.
SELECT set_config('max_parallel_workers_per_gather', '0', false);

-- name: dirty_ranges()
-- The ranges in which the rollups lack rows. An import that is still loading adds rows to its ranges,
-- so these are left until it ends.
SELECT
    ledger.id,
    ledger.range_start,
    ledger.range_end,
    ledger.only_new
FROM rollup_dirty_ranges AS ledger
WHERE NOT EXISTS (
    SELECT FROM imports
    WHERE imports.id = ledger.import_id AND imports.state = 'loading'
)
ORDER BY ledger.range_start, ledger.id;

-- name: refresh_limits()^
-- The timestamps between which the rollups may be refreshed; horizon is null if nothing was dropped.
SELECT
    rollup_refresh_limit('1 hour') AS hourly_limit,
    rollup_refresh_limit('1 day') AS daily_limit,
    (SELECT horizon FROM retention_horizon) AS horizon;

-- name: unmaterialised_ranges(after, before)
-- The ranges before :before that could be materialised and are not, if the earliest begins before
-- :after. One range a chunk, since centuries may lie between two chunks.
WITH earliest AS (
    SELECT
        least(
            (
                SELECT min(ts)
                FROM readings
                WHERE
                    ts >= rollup_watermark('readings_1h')
                    AND ts < rollup_refresh_limit('1 hour')
            ),
            (
                SELECT min(bucket)
                FROM materialised_1h
                WHERE
                    bucket >= rollup_watermark('readings_1d')
                    AND bucket < rollup_refresh_limit('1 day')
            )
        ) AS moment
)

SELECT
    greatest(chunks.range_start, time_bucket('1 hour', earliest.moment)) AS range_start,
    least(chunks.range_end, :before) AS range_end
FROM earliest
INNER JOIN timescaledb_information.chunks AS chunks ON earliest.moment < chunks.range_end
WHERE
    earliest.moment < :after
    AND chunks.hypertable_name = 'readings'
    AND chunks.range_start < :before;

-- name: may_be_overdue()$
-- Whether a rollup's watermark is below what should have been materialised long ago. This is asked
-- often, and plans no chunk.
SELECT bool_or(coalesce(rollup_watermark(name) < rollup_overdue_limit(name), true))
FROM unnest('{readings_1h,readings_1d}'::text[]) AS rollup (name);

-- name: overdue_since()$
-- The earliest reading or hour that a policy should have materialised long ago; null without any. What
-- the ledger has is refreshed anyway, at the end of its import. What began below the horizon may have
-- been dropped.
WITH earliest AS (
    SELECT
        least(
            (
                SELECT min(ts)
                FROM readings
                WHERE
                    ts >= greatest(
                        rollup_watermark('readings_1h'),
                        (
                        SELECT retention_horizon.horizon + interval '1 hour'
                        FROM retention_horizon
                    )
                    )
                    AND ts < rollup_overdue_limit('readings_1h')
            ),
            (
                SELECT min(bucket)
                FROM materialised_1h
                WHERE
                    bucket >= rollup_watermark('readings_1d')
                    AND bucket < rollup_overdue_limit('readings_1d')
            )
        ) AS moment
)

SELECT moment
FROM earliest
WHERE
    NOT EXISTS (
        SELECT FROM rollup_dirty_ranges AS ledger
        WHERE ledger.range_start <= earliest.moment AND ledger.range_end > earliest.moment
    );

-- name: enter_unmaterialised_range(range_start, range_end)$
-- Enter a range that a refresh of later hours would leave unmaterialised below the watermark. It is
-- reported as stale until it is refreshed itself. Its buckets are new, so as with rows that were only
-- added, comparing counts suffices to verify them.
INSERT INTO rollup_dirty_ranges (range_start, range_end, only_new)
VALUES (:range_start, :range_end, true)
RETURNING id;

-- name: become_rollup_owner()$
-- Take the privileges of the rollups' owner, whom TimescaleDB demands for a refresh.
SELECT set_config('role', pg_get_userbyid(relowner)::text, false)
FROM pg_class
WHERE oid = 'readings_1h'::regclass;

-- name: drop_rollup_owner()$
-- Return from become_rollup_owner to the session's own privileges.
SELECT set_config('role', 'none', false);

-- name: refresh_hourly(range_start, range_end, force)!
-- Refresh readings_1h between two hours; outside a transaction.
-- include: refresh(readings_1h)

-- name: refresh_daily(range_start, range_end, force)!
-- Refresh readings_1d between two days; outside a transaction, after readings_1h.
-- include: refresh(readings_1d)

-- name: hourly_differences(range_start, range_end, ledger_ids)$
-- How many buckets of readings_1h differ from the readings. Buckets in other ledger rows than those of
-- :ledger_ids do not count.
WITH raw AS (
    SELECT
        -- include: sums_of_readings(1 hour)
        first(value, ts) AS first,
        last(value, ts) AS last
    FROM readings
    WHERE ts >= :range_start AND ts < :range_end
    GROUP BY equipment_id, time_bucket('1 hour', ts)
),

rollup AS (
    -- include: rollup_buckets(readings_1h)
)

-- include: count_differences(raw, 1 hour)

-- name: hourly_miscounts(range_start, range_end, ledger_ids)$
-- In how many hours the sample counts of readings_1h do not add up to the number of readings. Hours in
-- other ledger rows do not count. Where rows were only added, a bucket that lacks some has a smaller
-- count and none has a larger one, so an equal count over all equipment proves that no bucket of the
-- hour lacks any, in a tenth of the time.
WITH raw AS (
    SELECT
        time_bucket('1 hour', ts) AS bucket,
        count(*) AS sample_count
    FROM readings
    WHERE ts >= :range_start AND ts < :range_end
    GROUP BY time_bucket('1 hour', ts)
),

rollup AS (
    SELECT
        bucket,
        sum(sample_count)::bigint AS sample_count
    FROM readings_1h
    WHERE bucket >= :range_start AND bucket < :range_end
    GROUP BY bucket
)

SELECT count(*)
FROM raw
FULL JOIN rollup ON raw.bucket = rollup.bucket
WHERE
    raw.sample_count IS DISTINCT FROM rollup.sample_count
    -- include: and_not_in_newer_dirty_range(raw, 1 hour)

-- name: daily_differences(range_start, range_end, ledger_ids)$
-- How many buckets of readings_1d differ from readings_1h, as hourly_differences.
WITH hourly AS (
    SELECT
        equipment_id,
        time_bucket('1 day', bucket) AS bucket,
        -- include: sums_of_hours(bucket)
    FROM readings_1h
    WHERE bucket >= :range_start AND bucket < :range_end
    GROUP BY equipment_id, time_bucket('1 day', bucket)
),

rollup AS (
    -- include: rollup_buckets(readings_1d)
)

-- include: count_differences(hourly, 1 day)

-- name: delete_dirty_ranges(ledger_ids)!
-- Delete the ledger rows whose ranges are refreshed and verified.
DELETE FROM rollup_dirty_ranges
WHERE id = any(:ledger_ids);
