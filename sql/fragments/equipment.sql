-- fragment: earliest_and_latest(readings)
-- Joins that look up, by the index, the first and last reading of each known.equipment_id.
CROSS JOIN LATERAL (
    SELECT readings.ts
    FROM {readings}
    WHERE readings.equipment_id = known.equipment_id
    ORDER BY readings.ts LIMIT 1
) AS earliest
CROSS JOIN LATERAL (
    SELECT
        readings.ts,
        readings.value
    FROM {readings}
    WHERE readings.equipment_id = known.equipment_id
    ORDER BY readings.ts DESC LIMIT 1
) AS latest
