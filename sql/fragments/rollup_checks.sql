-- Refreshing a rollup and comparing it with its source: readings_1h with the readings, readings_1d
-- with readings_1h.

-- fragment: refresh(rollup)
CALL refresh_continuous_aggregate(
    '{rollup}',
    :range_start::timestamptz,
    :range_end::timestamptz,
    force => :force
);

-- fragment: rollup_buckets(rollup)
-- The buckets that the rollup has.
SELECT
    -- include: bucket_columns(bucket)
FROM {rollup}
WHERE bucket >= :range_start AND bucket < :range_end

-- fragment: count_differences(source, width)
-- How many buckets differ between two CTEs, the one named by source and rollup. Sums may differ by
-- the rounding of another order of addition.
SELECT count(*)
FROM {source}
FULL JOIN rollup ON {source}.equipment_id = rollup.equipment_id AND {source}.bucket = rollup.bucket
WHERE
    (
        ({source}.sample_count, {source}.minimum, {source}.maximum, {source}.first, {source}.last)
        IS DISTINCT FROM
        (rollup.sample_count, rollup.minimum, rollup.maximum, rollup.first, rollup.last)
        OR abs({source}.total_value - rollup.total_value)
        > 1e-12 * {source}.sample_count * greatest(abs({source}.minimum), abs({source}.maximum))
    )
    -- include: and_not_in_newer_dirty_range({source}, {width})

-- fragment: and_not_in_newer_dirty_range(source, width)
-- Buckets in other ledger rows than those of :ledger_ids will be refreshed again. The statement
-- ends here.
AND NOT EXISTS (
    SELECT FROM rollup_dirty_ranges AS newer
    WHERE
        newer.id <> all(:ledger_ids)
        AND newer.range_start < coalesce({source}.bucket, rollup.bucket) + '{width}'::interval
        AND newer.range_end > coalesce({source}.bucket, rollup.bucket)
);
