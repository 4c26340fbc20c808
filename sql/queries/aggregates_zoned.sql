-- name: zoned_items(whole_start, whole_end, cut_hours, edge_starts, edge_ends, borders, patterns, ids, together, after_start, after_id, row_limit)
-- Buckets between any :borders: hours of the rollup, and readings of the hours that a border cuts;
-- else as in aggregates.sql.
WITH watermark AS (
    SELECT greatest(rollup_watermark('readings_1h'), rollup_watermark('readings_1d')) AS reached
),

dirty AS (
    SELECT range_agg(tstzrange(range_start, range_end)) AS stale
    FROM rollup_dirty_ranges
    WHERE
        range_start < :whole_end
        AND range_end > :whole_start
        AND range_start < (SELECT watermark.reached FROM watermark)
),

edge AS MATERIALIZED (
    SELECT
        unnest(:edge_starts::timestamptz[]) AS start,
        unnest(:edge_ends::timestamptz[]) AS stop
),

piece AS (
    SELECT
        equipment_id,
        bucket AS ts,
        total_value,
        sample_count,
        minimum,
        maximum,
        first,
        last
    FROM readings_1h
    WHERE
        cardinality(:patterns::text[]) > 0
        AND equipment_id LIKE any(:patterns)
        AND bucket >= :whole_start
        AND bucket < :whole_end
        AND bucket <> all(:cut_hours)
    UNION ALL
    SELECT
        readings.equipment_id,
        readings.ts,
        readings.value AS total_value,
        1 AS sample_count,
        readings.value AS minimum,
        readings.value AS maximum,
        readings.value AS first,
        readings.value AS last
    FROM edge
    INNER JOIN readings ON edge.start <= readings.ts AND edge.stop > readings.ts
    WHERE cardinality(:patterns::text[]) > 0 AND readings.equipment_id LIKE any(:patterns)
    UNION ALL
    SELECT
        equipment_id,
        bucket AS ts,
        total_value,
        sample_count,
        minimum,
        maximum,
        first,
        last
    FROM readings_1h
    WHERE
        equipment_id = any(:ids)
        AND bucket >= :whole_start
        AND bucket < :whole_end
        AND bucket <> all(:cut_hours)
    UNION ALL
    SELECT
        readings.equipment_id,
        readings.ts,
        readings.value AS total_value,
        1 AS sample_count,
        readings.value AS minimum,
        readings.value AS maximum,
        readings.value AS first,
        readings.value AS last
    FROM edge
    INNER JOIN readings ON edge.start <= readings.ts AND edge.stop > readings.ts
    WHERE readings.equipment_id = any(:ids)
),

bucketed AS (
    SELECT
        CASE WHEN NOT :together THEN equipment_id END AS equipment_id,
        width_bucket(ts, :borders::timestamptz[]) AS place,
        sum(total_value) AS total_value,
        sum(sample_count)::bigint AS sample_count,
        min(minimum) AS minimum,
        max(maximum) AS maximum,
        first(first, ts) AS first,
        last(last, ts) AS last
    FROM piece
    GROUP BY
        CASE WHEN NOT :together THEN equipment_id END,
        width_bucket(ts, :borders::timestamptz[])
),

item AS (
    SELECT
        equipment_id,
        extract(EPOCH FROM (:borders::timestamptz[])[place])::bigint AS interval_start,
        extract(EPOCH FROM (:borders::timestamptz[])[place + 1])::bigint
        - extract(EPOCH FROM (:borders::timestamptz[])[place])::bigint AS seconds,
        total_value,
        sample_count,
        minimum,
        maximum,
        first,
        last
    FROM bucketed
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
    NULL AS seconds,
    (SELECT dirty.stale FROM dirty) AS stale
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
    item.seconds,
    NULL AS stale
FROM item
WHERE (item.interval_start, item.equipment_id) > (:after_start, :after_id)
ORDER BY interval_start NULLS FIRST, equipment_id
LIMIT :row_limit;
