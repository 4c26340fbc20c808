-- The ledger of changes: sql/definitions/016_data_state.sql says what it is for.

-- name: note_changes(equipment_ids, days)!
-- Enter, in the transaction that changes readings, which equipment changed on which UTC days.
INSERT INTO data_changes (equipment_ids, days, token)
VALUES (:equipment_ids, :days, change_token());

-- name: note_changed_range(start, stop)!
-- Enter that any equipment may have changed between two timestamps.
INSERT INTO data_changes (equipment_ids, days, token)
SELECT
    array_agg(''::text) AS equipment_ids,
    array_agg(changed.day::date) AS days,
    change_token() AS token
FROM
    generate_series(
        date_trunc('day', :start::timestamptz AT TIME ZONE 'UTC'),
        :stop::timestamptz AT TIME ZONE 'UTC' - interval '1 microsecond',
        interval '1 day'
    ) AS changed (day);

-- name: compact_changes()!
-- Add entries up by equipment and day; the sums of data_state stay as they are.
WITH entries AS (
    DELETE FROM data_changes
    WHERE
        id IN (
            SELECT id FROM data_changes
            ORDER BY id
            LIMIT 5000
            FOR UPDATE SKIP LOCKED
        )
    RETURNING equipment_ids, days, token
)

INSERT INTO data_versions AS known (equipment_id, day, version)
SELECT
    changed.equipment_id,
    changed.day,
    sum(entries.token)::bigint AS version
FROM entries
CROSS JOIN LATERAL unnest(entries.equipment_ids, entries.days) AS changed (equipment_id, day)
GROUP BY changed.equipment_id, changed.day
ORDER BY changed.equipment_id, changed.day
ON CONFLICT (equipment_id, day) DO UPDATE
    SET version = known.version + excluded.version;
