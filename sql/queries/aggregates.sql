-- Equipment is chosen by LIKE :patterns or by :ids that no pattern matches, in branches of their own,
-- patterns by the range of time and ids by the index. What no rollup holds yet is in readings_1h and
-- readings_1d for ids, and in unmaterialised() for patterns: sql/definitions/015_measured.sql. A page
-- that begins inside a bucket has only equipment after :after_id before the moment :resume. Ids are in
-- the order of their characters' codes, whatever the database's own, which is slower to sort by.
-- Whether an id is LIKE '%' is not asked of each row: a third of the time of adding up a rollup.

-- name: aggregate_state(start, stop, first_day, last_day, patterns, ids)^
-- Where late rows are stored that the rollups have not taken up yet, and the version of the readings
-- on the UTC days, as sql/definitions/016_data_state.sql says.
SELECT
    stale,
    version
FROM aggregate_state(:start, :stop, :first_day, :last_day, :patterns, :ids);

-- name: plan_for_each_range()$
-- Have the transaction's statements planned for the very range and equipment each time: a plan for
-- any range takes it for short and the rows for few, and sorts what it should add up in passing.
SELECT set_config('plan_cache_mode', 'force_custom_plan', TRUE);

-- name: density(start, stop, patterns, ids)^
-- How many samples there are, in how many hours of any equipment.
WITH piece AS (
    SELECT sample_count
    FROM materialised_1h
    WHERE
        cardinality(:patterns::text[]) > 0
        AND (:patterns = '{%}' OR equipment_id LIKE any(:patterns))
        AND bucket >= :start
        AND bucket < :stop
    UNION ALL
    SELECT sample_count
    FROM unmaterialised('1h', :start, :stop, :patterns)
    UNION ALL
    SELECT sample_count
    FROM readings_1h
    WHERE equipment_id = any(:ids) AND bucket >= :start AND bucket < :stop
)

SELECT
    coalesce(sum(sample_count), 0)::bigint AS samples,
    count(*) AS hours
FROM piece;

-- name: ids_in_order(ids)
-- The ids as ORDER BY has them.
SELECT id FROM unnest(:ids::text[]) AS given (id)
ORDER BY id COLLATE "C";

-- name: rollup_rows(source, start, stop, patterns, ids, resume, after_id, row_limit)
-- Buckets that are rows of a rollup.
WITH piece AS (
    -- include: rollup_rows(bucket_columns(ts))
)

SELECT
    -- include: result_columns(ts)
FROM piece
WHERE ts >= :resume OR equipment_id COLLATE "C" > :after_id
ORDER BY ts, equipment_id COLLATE "C"
LIMIT :row_limit;

-- name: rollup_rows_together(source, start, stop, patterns, ids, row_limit)
-- Buckets of all chosen equipment taken together, each from rows of a rollup.
WITH piece AS (
    -- include: rollup_rows(columns_without_equipment(ts))
)

SELECT
    NULL AS equipment_id,
    date_part('epoch', ts)::bigint AS interval_start,
    sum(total_value) AS total_value,
    sum(sample_count)::bigint AS sample_count,
    sum(total_value) / sum(sample_count) AS average,
    min(minimum) AS minimum,
    max(maximum) AS maximum,
    NULL AS first,
    NULL AS last
FROM piece
GROUP BY ts
ORDER BY ts
LIMIT :row_limit;

-- name: bucketed_rows(source, start, stop, cut, edge_starts, edge_stops, borders, together, patterns, ids, resume, after_id, row_limit)
-- Buckets between any :borders, put together from rows of the source, all but those of the hours
-- that are :cut, and from readings between the edges.
WITH edge AS MATERIALIZED (
    SELECT
        unnest(:edge_starts::timestamptz[]) AS start,
        unnest(:edge_stops::timestamptz[]) AS stop
),

piece AS (
    -- include: materialised_rows(bucket_columns(ts))
        AND ts <> all(:cut)
    UNION ALL
    -- include: unmaterialised_rows(bucket_columns(ts))
    WHERE ts <> all(:cut)
    UNION ALL
    SELECT
        -- include: bucket_columns(ts)
    FROM measured
    WHERE
        source = :source
        AND equipment_id = any(:ids)
        AND ts >= :start
        AND ts < :stop
        AND ts <> all(:cut)
    UNION ALL
    -- include: edge_readings()
        AND cardinality(:patterns::text[]) > 0
        AND (:patterns = '{%}' OR measured.equipment_id LIKE any(:patterns))
        AND measured.ts >= :start - '1 hour'::interval
        AND measured.ts < :stop + '1 hour'::interval
    UNION ALL
    -- include: edge_readings()
        AND measured.equipment_id = any(:ids)
        AND measured.ts >= :start - '1 hour'::interval
        AND measured.ts < :stop + '1 hour'::interval
),

bucketed AS (
    SELECT
        CASE WHEN NOT :together THEN equipment_id END AS equipment_id,
        width_bucket(ts, :borders::timestamptz[]) AS place,
        sum(total_value) AS total_value,
        sum(sample_count)::bigint AS sample_count,
        min(minimum) AS minimum,
        max(maximum) AS maximum,
        first(first, ts) FILTER (WHERE NOT :together) AS first,
        last(last, ts) FILTER (WHERE NOT :together) AS last
    FROM piece
    WHERE ts >= :resume OR equipment_id COLLATE "C" > :after_id
    GROUP BY
        CASE WHEN NOT :together THEN equipment_id END,
        width_bucket(ts, :borders::timestamptz[])
)

SELECT
    -- include: result_columns((:borders::timestamptz[])[place])
FROM bucketed
ORDER BY place, equipment_id COLLATE "C"
LIMIT :row_limit;

-- name: total(source, start, stop, patterns, ids)^
-- What all rows of a source add up to; nulls without any.
WITH piece AS (
    -- include: rollup_rows(total_columns())
)

SELECT
    sum(total_value) AS total_value,
    sum(sample_count)::bigint AS sample_count
FROM piece;
