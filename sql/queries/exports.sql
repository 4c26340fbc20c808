-- name: readings_of_ids(ids, start, end, after_time, after_id, row_limit)
-- The first readings of the ids in [:start, :end) after a key. Of each id no more than a page is read.
WITH chosen AS (SELECT unnest(cast(:ids AS text[])) AS id)

SELECT
    found.equipment_id,
    found.ts,
    found.value,
    found.register_time
FROM chosen
CROSS JOIN LATERAL (
    SELECT
        readings.equipment_id,
        readings.ts,
        readings.value,
        readings.register_time
    FROM readings
    WHERE
        readings.equipment_id = chosen.id
        AND readings.ts >= :start
        AND readings.ts < :end
        AND (readings.ts, readings.equipment_id COLLATE "C") > (:after_time, :after_id) -- noqa: RF03
    ORDER BY readings.ts
    LIMIT :row_limit
) AS found
ORDER BY found.ts, found.equipment_id COLLATE "C" -- noqa: RF02
LIMIT :row_limit;

-- name: readings_of_some(ids, patterns, start, end, after_time, after_id, row_limit)
-- The first readings of the ids and of equipment LIKE a pattern in [:start, :end) after a key.
SELECT
    -- include: reading_columns()
FROM readings
WHERE
    (equipment_id LIKE any(:patterns) OR equipment_id = any(:ids))
    AND ts >= :start
    AND ts < :end
    AND (ts, equipment_id COLLATE "C") > (:after_time, :after_id)
ORDER BY ts, equipment_id COLLATE "C"
LIMIT :row_limit;

-- name: readings_whole(ids, patterns, start, end)
-- All readings of the ids and of equipment LIKE a pattern in [:start, :end), for a cursor. It is
-- planned with its parameters, so that without patterns ids are looked up by the index.
SELECT
    -- include: reading_columns()
FROM readings
WHERE
    (
        cardinality(:patterns::text[]) > 0 AND equipment_id LIKE any(:patterns)
        OR equipment_id = any(:ids)
    )
    AND ts >= :start
    AND ts < :end
ORDER BY ts, equipment_id COLLATE "C";
