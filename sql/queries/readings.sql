-- name: save_reading(equipment_id, ts, value)$
-- Upsert one reading and enter it into the ledger if it is late; the horizon if it lies below it.
WITH retention AS (
    SELECT max(horizon) AS horizon FROM retention_horizon
),

written AS (
    INSERT INTO readings AS stored (equipment_id, ts, value)
    SELECT
        :equipment_id AS equipment_id,
        :ts AS ts,
        :value AS value
    FROM retention
    WHERE retention.horizon IS NULL OR :ts >= retention.horizon
    ON CONFLICT (equipment_id, ts) DO UPDATE
        SET value = excluded.value, register_time = excluded.register_time
        WHERE stored.value <> excluded.value
    RETURNING ts
),

late AS (
    SELECT time_bucket(INTERVAL '1 hour', ts) AS hour
    FROM written
    WHERE ts < late_before()
),

entered AS (
    INSERT INTO rollup_dirty_ranges (range_start, range_end)
    SELECT
        late.hour AS range_start,
        late.hour + INTERVAL '1 hour' AS range_end
    FROM late
)

SELECT retention.horizon FROM retention
WHERE :ts < retention.horizon;
