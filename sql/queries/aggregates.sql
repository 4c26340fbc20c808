-- name: hourly_items(start, end)
-- The hours that start in [start, end], each row with the stale ranges; one row even without hours.
-- One statement, so that ranges and hours are of one snapshot. A range above the watermark is not
-- stale: there the rollup is computed from the readings themselves.
SELECT
    item.equipment_id,
    item.interval_start,
    item.total_value,
    item.sample_count,
    item.total_value / item.sample_count AS average,
    item.minimum,
    item.maximum,
    item.first,
    item.last,
    dirty.stale
FROM (
    SELECT range_agg(tstzrange(range_start, range_end)) AS stale
    FROM rollup_dirty_ranges
    WHERE
        range_start <= :end
        AND range_end > :start
        AND range_start < (
            SELECT greatest(rollup_watermark('readings_1h'), rollup_watermark('readings_1d'))
        )
) AS dirty
LEFT JOIN (
    SELECT
        equipment_id,
        extract(EPOCH FROM bucket)::bigint AS interval_start,
        total_value,
        sample_count,
        minimum,
        maximum,
        first,
        last
    FROM readings_1h
    WHERE bucket >= :start AND bucket <= :end
) AS item ON true
ORDER BY item.interval_start, item.equipment_id;
