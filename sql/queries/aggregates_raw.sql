-- name: raw_items(start, end, patterns, ids, after_start, after_id, row_limit, width, together)
-- Buckets of :width from the readings themselves, so never stale; else as in aggregates.sql.
WITH piece AS (
    SELECT
        equipment_id,
        ts,
        value
    FROM readings
    WHERE
        cardinality(:patterns::text[]) > 0
        AND equipment_id LIKE any(:patterns)
        AND ts >= :start
        AND ts < :end
    UNION ALL
    SELECT
        equipment_id,
        ts,
        value
    FROM readings
    WHERE equipment_id = any(:ids) AND ts >= :start AND ts < :end
),

item AS (
    SELECT
        CASE WHEN NOT :together THEN equipment_id END AS equipment_id,
        extract(EPOCH FROM time_bucket(:width::interval, ts))::bigint AS interval_start,
        sum(value) AS total_value,
        count(*) AS sample_count,
        min(value) AS minimum,
        max(value) AS maximum,
        first(value, ts) AS first,
        last(value, ts) AS last
    FROM piece
    GROUP BY CASE WHEN NOT :together THEN equipment_id END, time_bucket(:width::interval, ts)
)

SELECT
    NULL AS equipment_id,
    NULL AS interval_start,
    sum(item.total_value) AS total_value,
    sum(item.sample_count)::bigint AS sample_count,
    sum(item.total_value) / sum(item.sample_count) AS average,
    NULL AS minimum,
    NULL AS maximum,
    NULL AS first,
    NULL AS last,
    NULL::tstzmultirange AS stale
FROM item
UNION ALL
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
    NULL AS stale
FROM item
WHERE (item.interval_start, item.equipment_id) > (:after_start, :after_id)
ORDER BY interval_start NULLS FIRST, equipment_id
LIMIT :row_limit;
