-- Equipment is selected by LIKE :patterns or by :ids that no pattern matches, each in branches of its
-- own: patterns are scanned by time range, ids looked up by the index. Buckets that are not materialised
-- yet come from unmaterialised(), whose plans do not depend on what the planner expects past the
-- watermark.
-- A page may begin inside a bucket: before the timestamp :resume it has only equipment after :after_id.
-- Ids are ordered by COLLATE "C", whatever the database's collation, which sorts more slowly.
-- The pattern '%' is tested once a statement: LIKE '%' on each row takes a third of the time in which a
-- rollup is summed up.

-- name: aggregate_state(start, stop, first_day, last_day, patterns, ids)^
-- The ranges in which the rollups lack late rows, and the version of the readings on the UTC days:
-- sql/definitions/016_data_state.sql.
SELECT
    stale,
    version
FROM aggregate_state(:start, :stop, :first_day, :last_day, :patterns, :ids);

-- name: plan_for_each_range()$
-- Plan the transaction's statements for their actual parameters each time. A generic plan expects a
-- short range with few rows, and sorts rows that should be aggregated as they are read.
SELECT set_config('plan_cache_mode', 'force_custom_plan', TRUE);

-- name: density(start, stop, patterns, ids)^
-- The number of samples, and of hourly buckets that hold them.
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
    FROM materialised_1h
    WHERE equipment_id = any(:ids) AND bucket >= :start AND bucket < :stop
    UNION ALL
    SELECT sample_count
    FROM unmaterialised_hours(:start, :stop, :patterns, :ids)
)

SELECT
    coalesce(sum(sample_count), 0)::bigint AS samples,
    count(*) AS hours
FROM piece;

-- name: ids_in_order(ids)
-- The ids in the order of pages.
SELECT id FROM unnest(:ids::text[]) AS given (id)
ORDER BY id COLLATE "C";

-- name: rollup_rows(source, start, stop, patterns, ids, resume, after_id, row_limit)
-- A page of buckets that are each one row of a rollup.
WITH piece AS (
    -- include: rollup_rows(bucket_columns(ts))
)

SELECT
    -- include: result_columns(ts)
FROM piece
WHERE ts >= :resume OR equipment_id COLLATE "C" > :after_id
ORDER BY ts, equipment_id COLLATE "C"
LIMIT :row_limit;

-- name: hours_together(start, stop, patterns, ids, row_limit)
-- Hours over all selected equipment together.
-- include: rollup_together(materialised_1h, unmaterialised_hours)

-- name: days_together(start, stop, patterns, ids, row_limit)
-- Days over all selected equipment together.
-- include: rollup_together(materialised_1d, unmaterialised_days)

-- name: bucketed_rows(source, start, stop, cut, edge_starts, edge_stops, boundaries, together, patterns, ids, resume, after_id, row_limit)
-- Buckets between any :boundaries, aggregated from rows of the source, except those of the hours :cut
-- by a boundary, and from readings between the edges for these.
WITH edge AS MATERIALIZED (
    SELECT
        unnest(:edge_starts::timestamptz[]) AS start,
        unnest(:edge_stops::timestamptz[]) AS stop
),

piece AS (
    -- include: materialised_rows(bucket_columns(ts))
        AND ts <> all(:cut)
    UNION ALL
    -- include: materialised_rows_of_ids(bucket_columns(ts))
    WHERE of_id.ts <> all(:cut)
    UNION ALL
    -- include: unmaterialised_rows(bucket_columns(ts))
    WHERE ts <> all(:cut)
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
        width_bucket(ts, :boundaries::timestamptz[]) AS place,
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
        width_bucket(ts, :boundaries::timestamptz[])
)

SELECT
    -- include: result_columns((:boundaries::timestamptz[])[place])
FROM bucketed
ORDER BY place, equipment_id COLLATE "C"
LIMIT :row_limit;

-- name: total(source, start, stop, patterns, ids)^
-- The totals of all rows of a source; nulls without any.
WITH piece AS (
    -- include: rollup_rows(total_columns())
)

SELECT
    sum(total_value) AS total_value,
    sum(sample_count)::bigint AS sample_count
FROM piece;
