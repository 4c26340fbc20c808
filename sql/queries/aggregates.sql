-- Every statement here answers with a row of the stale ranges and the totals over the whole range,
-- then with a page of the buckets of [:start, :end) in order, those after (:after_start, :after_id).
-- One statement, so that all three are of one snapshot. Equipment is chosen by LIKE :patterns or by
-- :ids that no pattern matches, in two branches: a plan that is made once then suits both, patterns
-- by the range of time and ids by the index.

-- name: hourly_items(start, end, patterns, ids, after_start, after_id, row_limit)
-- UTC hours of each equipment, from the rollup.
WITH watermark AS (
    SELECT greatest(rollup_watermark('readings_1h'), rollup_watermark('readings_1d')) AS reached
),

dirty AS (
    SELECT range_agg(tstzrange(range_start, range_end)) AS stale
    FROM rollup_dirty_ranges
    WHERE
        range_start < :end
        AND range_end > :start
        AND range_start < (SELECT watermark.reached FROM watermark)
),

piece AS (
    SELECT
        equipment_id,
        bucket,
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
        AND bucket >= :start
        AND bucket < :end
    UNION ALL
    SELECT
        equipment_id,
        bucket,
        total_value,
        sample_count,
        minimum,
        maximum,
        first,
        last
    FROM readings_1h
    WHERE equipment_id = any(:ids) AND bucket >= :start AND bucket < :end
),

item AS (
    SELECT
        equipment_id,
        extract(EPOCH FROM bucket)::bigint AS interval_start,
        total_value,
        sample_count,
        minimum,
        maximum,
        first,
        last
    FROM piece
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
    NULL AS stale
FROM item
WHERE (item.interval_start, item.equipment_id) > (:after_start, :after_id)
ORDER BY interval_start NULLS FIRST, equipment_id
LIMIT :row_limit;

-- name: daily_items(start, end, patterns, ids, after_start, after_id, row_limit)
-- UTC days of each equipment, from the rollup.
WITH watermark AS (
    SELECT greatest(rollup_watermark('readings_1h'), rollup_watermark('readings_1d')) AS reached
),

dirty AS (
    SELECT range_agg(tstzrange(range_start, range_end)) AS stale
    FROM rollup_dirty_ranges
    WHERE
        range_start < :end
        AND range_end > :start
        AND range_start < (SELECT watermark.reached FROM watermark)
),

piece AS (
    SELECT
        equipment_id,
        bucket,
        total_value,
        sample_count,
        minimum,
        maximum,
        first,
        last
    FROM readings_1d
    WHERE
        cardinality(:patterns::text[]) > 0
        AND equipment_id LIKE any(:patterns)
        AND bucket >= :start
        AND bucket < :end
    UNION ALL
    SELECT
        equipment_id,
        bucket,
        total_value,
        sample_count,
        minimum,
        maximum,
        first,
        last
    FROM readings_1d
    WHERE equipment_id = any(:ids) AND bucket >= :start AND bucket < :end
),

item AS (
    SELECT
        equipment_id,
        extract(EPOCH FROM bucket)::bigint AS interval_start,
        total_value,
        sample_count,
        minimum,
        maximum,
        first,
        last
    FROM piece
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
    NULL AS stale
FROM item
WHERE (item.interval_start, item.equipment_id) > (:after_start, :after_id)
ORDER BY interval_start NULLS FIRST, equipment_id
LIMIT :row_limit;

-- name: hourly_items_together(start, end, patterns, ids, after_start, after_id, row_limit)
-- UTC hours of all chosen equipment taken together, from the rollup.
WITH watermark AS (
    SELECT greatest(rollup_watermark('readings_1h'), rollup_watermark('readings_1d')) AS reached
),

dirty AS (
    SELECT range_agg(tstzrange(range_start, range_end)) AS stale
    FROM rollup_dirty_ranges
    WHERE
        range_start < :end
        AND range_end > :start
        AND range_start < (SELECT watermark.reached FROM watermark)
),

piece AS (
    SELECT
        equipment_id,
        bucket,
        total_value,
        sample_count,
        minimum,
        maximum
    FROM readings_1h
    WHERE
        cardinality(:patterns::text[]) > 0
        AND equipment_id LIKE any(:patterns)
        AND bucket >= :start
        AND bucket < :end
    UNION ALL
    SELECT
        equipment_id,
        bucket,
        total_value,
        sample_count,
        minimum,
        maximum
    FROM readings_1h
    WHERE equipment_id = any(:ids) AND bucket >= :start AND bucket < :end
),

item AS (
    SELECT
        NULL::text AS equipment_id,
        extract(EPOCH FROM bucket)::bigint AS interval_start,
        sum(total_value) AS total_value,
        sum(sample_count)::bigint AS sample_count,
        min(minimum) AS minimum,
        max(maximum) AS maximum,
        NULL::double precision AS first,
        NULL::double precision AS last
    FROM piece
    GROUP BY bucket
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
    NULL AS stale
FROM item
WHERE (item.interval_start, item.equipment_id) > (:after_start, :after_id)
ORDER BY interval_start NULLS FIRST, equipment_id
LIMIT :row_limit;

-- name: daily_items_together(start, end, patterns, ids, after_start, after_id, row_limit)
-- UTC days of all chosen equipment taken together, from the rollup.
WITH watermark AS (
    SELECT greatest(rollup_watermark('readings_1h'), rollup_watermark('readings_1d')) AS reached
),

dirty AS (
    SELECT range_agg(tstzrange(range_start, range_end)) AS stale
    FROM rollup_dirty_ranges
    WHERE
        range_start < :end
        AND range_end > :start
        AND range_start < (SELECT watermark.reached FROM watermark)
),

piece AS (
    SELECT
        equipment_id,
        bucket,
        total_value,
        sample_count,
        minimum,
        maximum
    FROM readings_1d
    WHERE
        cardinality(:patterns::text[]) > 0
        AND equipment_id LIKE any(:patterns)
        AND bucket >= :start
        AND bucket < :end
    UNION ALL
    SELECT
        equipment_id,
        bucket,
        total_value,
        sample_count,
        minimum,
        maximum
    FROM readings_1d
    WHERE equipment_id = any(:ids) AND bucket >= :start AND bucket < :end
),

item AS (
    SELECT
        NULL::text AS equipment_id,
        extract(EPOCH FROM bucket)::bigint AS interval_start,
        sum(total_value) AS total_value,
        sum(sample_count)::bigint AS sample_count,
        min(minimum) AS minimum,
        max(maximum) AS maximum,
        NULL::double precision AS first,
        NULL::double precision AS last
    FROM piece
    GROUP BY bucket
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
    NULL AS stale
FROM item
WHERE (item.interval_start, item.equipment_id) > (:after_start, :after_id)
ORDER BY interval_start NULLS FIRST, equipment_id
LIMIT :row_limit;
