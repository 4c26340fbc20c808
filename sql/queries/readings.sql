-- name: save_readings(equipment_ids, moments, numbers)$
-- Upsert readings of distinct keys at or above the horizon, which comes back, in the key order that
-- keeps writers from waiting for each other in a circle; enter the hours of late ones into the
-- ledger.
WITH retention AS (
    SELECT max(horizon) AS horizon FROM retention_horizon
),

written AS (
    INSERT INTO readings AS stored (equipment_id, ts, value)
    SELECT
        received.equipment_id,
        received.ts,
        received.value
    FROM
        unnest(
            :equipment_ids::text[],
            :moments::timestamptz[],
            :numbers::double precision[]
        ) AS received (equipment_id, ts, value)
    CROSS JOIN retention
    WHERE retention.horizon IS NULL OR received.ts >= retention.horizon
    ORDER BY received.equipment_id, received.ts
    ON CONFLICT (equipment_id, ts) DO UPDATE
        SET value = excluded.value, register_time = excluded.register_time
        WHERE stored.value <> excluded.value
    RETURNING ts
),

late AS (
    SELECT DISTINCT time_bucket(interval '1 hour', ts) AS hour
    FROM written
    WHERE ts < late_before()
),

entered AS (
    INSERT INTO rollup_dirty_ranges (range_start, range_end)
    SELECT
        late.hour AS range_start,
        late.hour + interval '1 hour' AS range_end
    FROM late
)

SELECT retention.horizon FROM retention;
