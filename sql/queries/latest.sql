-- name: latest_readings(ids, prefixes, patterns, after, row_limit, max_newest)
-- The newest reading of each of the first equipment ordered after :after, of the ids and of ids LIKE one
-- of the patterns. Equipment that has sent something since the last materialised hour is found in
-- partial_hours and the few readings that are newer, in one pass. All other equipment is looked up by
-- the index: where a reading of partial_hours has been replaced, and if more than :max_newest are newer.
WITH seam AS MATERIALIZED (
    SELECT
        hours_end,
        end_ts,
        'infinity'::timestamptz AS unbounded
    FROM partial_hours_seam
),

newest AS MATERIALIZED (
    SELECT
        equipment_id,
        ts,
        value
    FROM readings
    WHERE
        ts >= (SELECT seam.end_ts FROM seam)
        AND ts < (SELECT seam.unbounded FROM seam)
    ORDER BY ts
    LIMIT :max_newest::bigint + 1
),

pieces AS (
    SELECT
        equipment_id,
        last_ts AS ts,
        last AS value
    FROM partial_hours
    WHERE
        bucket >= (SELECT seam.hours_end FROM seam)
        AND bucket < (SELECT seam.end_ts FROM seam)
    UNION ALL
    SELECT
        equipment_id,
        ts,
        value
    FROM pending_readings
    WHERE
        value IS NOT NULL
        AND ts >= (SELECT seam.hours_end FROM seam)
        AND ts < (SELECT seam.end_ts FROM seam)
    UNION ALL
    SELECT
        equipment_id,
        ts,
        value
    FROM newest
),

recent AS MATERIALIZED (
    SELECT
        pieces.equipment_id,
        max(pieces.ts) AS ts,
        last(pieces.value, pieces.ts) AS value
    FROM pieces
    WHERE
        (SELECT count(*) FROM newest) <= :max_newest
        AND NOT EXISTS (
            SELECT FROM pending_readings AS unknown
            WHERE unknown.equipment_id = '' AND unknown.value IS NULL
        )
        AND NOT EXISTS (
            SELECT FROM pending_readings AS replaced
            WHERE replaced.equipment_id = pieces.equipment_id AND replaced.value IS NULL
        )
    GROUP BY pieces.equipment_id
),

known AS (
    SELECT DISTINCT given.id AS equipment_id
    FROM unnest(:ids::text[]) AS given (id)
    WHERE given.id COLLATE "C" > :after::text
    UNION ALL
    SELECT matching.id AS equipment_id
    FROM
        known_equipment(
            '{}',
            :prefixes::text[],
            :patterns::text[],
            :after::text,
            :row_limit::bigint
        ) AS matching (id)
    WHERE cardinality(:patterns::text[]) > 0
)

SELECT
    known.equipment_id,
    coalesce(recent.ts, earlier.ts) AS ts,
    coalesce(recent.value, earlier.value) AS value
FROM known
LEFT JOIN recent ON known.equipment_id = recent.equipment_id
LEFT JOIN LATERAL (
    SELECT
        readings.ts,
        readings.value
    FROM readings
    WHERE recent.ts IS NULL AND readings.equipment_id = known.equipment_id
    ORDER BY readings.ts DESC
    LIMIT 1
) AS earlier ON TRUE
WHERE recent.ts IS NOT NULL OR earlier.ts IS NOT NULL
ORDER BY known.equipment_id COLLATE "C" -- noqa: RF02
LIMIT :row_limit;
