-- name: hourly_items(start, end)
-- First a row with the stale ranges alone, then the hours that start in [start, end], in order.
-- One statement, so that ranges and hours are of one snapshot. A range above the watermark is not
-- stale: there the rollup is computed from the readings themselves.
WITH watermark AS (
    SELECT greatest(rollup_watermark('readings_1h'), rollup_watermark('readings_1d')) AS reached
),

dirty AS (
    SELECT range_agg(tstzrange(range_start, range_end)) AS stale
    FROM rollup_dirty_ranges
    WHERE
        range_start <= :end
        AND range_end > :start
        AND range_start < (SELECT watermark.reached FROM watermark)
),

item AS (
    SELECT
        equipment_id,
        total_value,
        sample_count,
        total_value / sample_count AS average,
        minimum,
        maximum,
        first,
        last,
        extract(EPOCH FROM bucket)::bigint AS interval_start
    FROM readings_1h
    WHERE bucket >= :start AND bucket <= :end
)

SELECT
    NULL AS equipment_id,
    NULL AS interval_start,
    NULL AS total_value,
    NULL AS sample_count,
    NULL AS average,
    NULL AS minimum,
    NULL AS maximum,
    NULL AS first,
    NULL AS last,
    dirty.stale
FROM dirty
UNION ALL
SELECT
    item.equipment_id,
    item.interval_start,
    item.total_value,
    item.sample_count,
    item.average,
    item.minimum,
    item.maximum,
    item.first,
    item.last,
    NULL AS stale
FROM item
ORDER BY interval_start NULLS FIRST, equipment_id;
