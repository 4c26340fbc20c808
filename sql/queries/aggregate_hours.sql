-- What aggregates.sql asks of any rollup, of the hourly one alone, where a statement of its own is planned
-- or found in less time. Parameters and orders are as there.

-- name: state_and_hours(start, stop, first_day, last_day, ids)
-- All hours of a few ids, in no order, and on each row the state as aggregate_state tells it; a row
-- without equipment stands for none. One statement sees one moment without a transaction, which would
-- take longer than all else. It must be planned before that moment, as the plan of a real-time view holds
-- the watermark: so is a statement of a client, a STABLE function's may be planned after it.
--
-- The subquery hides from the planner how few the ids are, which else makes a plan for them each time: of
-- one id over a day that takes three times as long as to find it.
WITH hours AS (
    SELECT
        -- include: bucket_columns(bucket)
    FROM readings_1h
    WHERE
        equipment_id = any((SELECT :ids::text[])::text[])
        AND bucket >= :start
        AND bucket < :stop
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
-- The rows that rollup_rows gives of the hourly rollup without patterns: so short a statement is planned
-- in less than half the time.
-- include: page_of_hours(readings_1h, equipment_id = any(:ids))

-- name: materialised_hours(start, stop, patterns, resume, after_id, row_limit)
-- The rows that rollup_rows gives of the hourly rollup, apart: the order is half there in an index, so a
-- page reads no more hours than it tells. The rest follows in unmaterialised_hours.
-- include: page_of_hours(materialised_1h, (:patterns::text[] = '{%}' OR equipment_id LIKE any(:patterns)))

-- name: unmaterialised_hours(start, stop, patterns, resume, after_id, row_limit)
-- The hours that come after all that are materialised.
SELECT
    -- include: result_columns(ts)
FROM unmaterialised_hours(:start, :stop, :patterns)
WHERE ts >= :resume OR equipment_id COLLATE "C" > :after_id
ORDER BY ts, equipment_id COLLATE "C"
LIMIT :row_limit;
