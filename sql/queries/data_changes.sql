-- The ledger of changes: sql/definitions/016_data_state.sql says what it is for. What writers enter
-- there and in rollup_dirty_ranges: core/ledger.py.

-- name: enter_new_rows(first_ts, last_ts, equipment_ids, days, max_changes, import_id, row_count)^
-- Enter written rows of which none replaced another: their number, the hours of late ones, a range
-- for each span of timestamps, and the changed days of equipment. The readings from pending_start up to
-- pending_end are to be entered by enter_pending_readings; nulls: none are.
SELECT
    nullif(covered.start_ts, '-infinity') AS pending_start,
    nullif(covered.announced_end, '-infinity') AS pending_end
FROM
    enter_written(
        :first_ts,
        :last_ts,
        :equipment_ids,
        :days,
        :max_changes,
        true,
        :import_id,
        :row_count,
        true
    )
CROSS JOIN partial_hours_range AS covered;

-- name: enter_pending_readings(equipment_ids, timestamps, values)!
-- Enter new readings that partial_hours may lack.
INSERT INTO pending_readings (equipment_id, ts, value)
SELECT
    entered.equipment_id,
    entered.ts,
    entered.value
FROM
    unnest(
        :equipment_ids::text[],
        :timestamps::timestamptz[],
        :values::double precision[]
    ) AS entered (equipment_id, ts, value);

-- name: enter_staged_changes(max_changes, only_new, import_id)$
-- Enter the rows in import_changes: their number, the hours of late ones, one range a chunk, the
-- changed days of equipment, and pending readings for partial_hours. Where some may have replaced
-- others, all of them are entered without a value.
WITH pending AS (
    INSERT INTO pending_readings (equipment_id, ts, value)
    SELECT
        changed.equipment_id,
        changed.ts,
        CASE WHEN :only_new::boolean THEN changed.first_value END AS value
    FROM import_changes AS changed
    CROSS JOIN partial_hours_range AS covered
    WHERE changed.ts >= covered.start_ts AND changed.ts < covered.announced_end
),

late AS (
    SELECT
        min(ts) AS first_ts,
        max(ts) AS last_ts
    FROM import_changes
    WHERE ts < late_before()
    GROUP BY time_bucket('7 days', ts, '1970-01-01 00:00:00+00'::timestamptz)
),

spans AS (
    SELECT
        array_agg(first_ts) AS first_ts,
        array_agg(last_ts) AS last_ts
    FROM late
),

changed AS (
    -- include: changed_days(import_changes)
),

days AS (
    SELECT
        array_agg(equipment_id) AS equipment_ids,
        array_agg(day) AS days
    FROM changed
)

SELECT
    enter_written(
        spans.first_ts,
        spans.last_ts,
        days.equipment_ids,
        days.days,
        :max_changes,
        :only_new,
        :import_id,
        (SELECT count(*)::integer FROM import_changes),
        true
    )
FROM spans CROSS JOIN days;

-- name: note_changed_range(start, stop)!
-- Enter that the rollups of any equipment may have changed between two timestamps.
INSERT INTO data_changes (equipment_ids, days, token, pending_entered)
SELECT
    array_agg(''::text) AS equipment_ids,
    array_agg(changed.day::date) AS days,
    change_token() AS token,
    true AS pending_entered
FROM
    generate_series(
        date_trunc('day', :start::timestamptz AT TIME ZONE 'UTC'),
        :stop::timestamptz AT TIME ZONE 'UTC' - interval '1 microsecond',
        interval '1 day'
    ) AS changed (day);

-- name: compact_changes()!
-- Add entries up by equipment and day; the sums of data_state stay as they are. Add their readings up
-- by minute, for a day.
WITH entries AS (
    DELETE FROM data_changes
    WHERE
        id IN (
            SELECT id FROM data_changes
            ORDER BY id
            LIMIT 5000
            FOR UPDATE SKIP LOCKED
        )
    RETURNING equipment_ids, days, token, readings, created_at
),

counted AS (
    INSERT INTO ingest_minutes AS known (minute, readings)
    SELECT
        date_trunc('minute', created_at) AS minute,
        sum(readings) AS readings
    FROM entries
    WHERE readings > 0
    GROUP BY date_trunc('minute', created_at)
    ORDER BY minute
    ON CONFLICT (minute) DO UPDATE
        SET readings = known.readings + excluded.readings
),

expired AS (
    DELETE FROM ingest_minutes
    WHERE minute < now() - interval '25 hours'
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
