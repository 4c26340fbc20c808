-- Statements of aggregates.sql for the hourly rollup alone, where a statement of its own is planned or
-- executed in less time. Parameters and orders are as there.

-- name: state_and_hours(start, stop, first_day, last_day, ids)
-- All hours of a few ids, unordered, and on each row the columns of aggregate_state. Without any hour
-- there is one row with a null equipment_id. A single statement has a single snapshot without a
-- transaction, which would take longer than all else.
WITH hours AS (
    -- include: hours_of_ids()
)

SELECT
    state.stale,
    state.version,
    hours.equipment_id,
    date_part('epoch', hours.bucket)::bigint AS interval_start,
    hours.total_value,
    hours.sample_count,
    hours.total_value / hours.sample_count AS average,
    hours.minimum,
    hours.maximum,
    hours.first,
    hours.last
FROM
    aggregate_state(:start, :stop, :first_day, :last_day, '{}', array_append(:ids, '')) AS state
LEFT JOIN hours ON TRUE;

-- name: hours_of_ids(start, stop, ids, resume, after_id, row_limit)
-- The rows of rollup_rows for the hourly rollup without patterns: so short a statement is planned in
-- less than half the time.
WITH hours AS (
    -- include: hours_of_ids()
)

SELECT
    -- include: result_columns(bucket)
FROM hours
WHERE bucket >= :resume OR equipment_id COLLATE "C" > :after_id
ORDER BY bucket, equipment_id COLLATE "C"
LIMIT :row_limit;

-- name: materialised_hours(start, stop, patterns, resume, after_id, row_limit)
-- The first rows of rollup_rows for the hourly rollup, those that are materialised. An index has them
-- sorted by bucket, so a page reads no more hours than it returns. unmaterialised_hours has the rest.
SELECT
    -- include: result_columns(bucket)
FROM materialised_1h
WHERE
    (:patterns::text[] = '{%}' OR equipment_id LIKE any(:patterns))
    AND bucket >= :start
    AND bucket < :stop
    AND (bucket >= :resume OR equipment_id COLLATE "C" > :after_id)
ORDER BY bucket, equipment_id COLLATE "C"
LIMIT :row_limit;

-- name: unmaterialised_hours(start, stop, patterns, resume, after_id, row_limit)
-- The rows of rollup_rows for the hourly rollup that follow those of materialised_hours.
SELECT
    -- include: result_columns(ts)
FROM unmaterialised_hours(:start, :stop, :patterns, '{}')
WHERE ts >= :resume OR equipment_id COLLATE "C" > :after_id
ORDER BY ts, equipment_id COLLATE "C"
LIMIT :row_limit;
