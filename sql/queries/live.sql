-- name: listener_seen(id)!
-- Have writers send notifications for another minute, and delete listeners not seen for a day.
WITH forgotten AS (
    DELETE FROM live_listeners
    WHERE seen_at < now() - interval '1 day' AND id <> :id
)

INSERT INTO live_listeners AS known (id, seen_at)
VALUES (:id, now())
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: readings_written(equipment_ids, days, at, row_limit)
-- The readings with this register_time, the start of their transaction, of this equipment on these UTC
-- days (two arrays side by side).
SELECT
    readings.equipment_id,
    readings.ts,
    readings.value,
    readings.register_time
FROM
    unnest(
        :equipment_ids::text[],
        :days::timestamptz[]
    ) AS changed (equipment_id, day)
INNER JOIN readings
    ON
        changed.equipment_id = readings.equipment_id
        AND changed.day <= readings.ts
        AND changed.day + interval '24 hours' > readings.ts
WHERE readings.register_time = :at
ORDER BY readings.ts, readings.equipment_id COLLATE "C" -- noqa: RF03
LIMIT :row_limit;
