-- An import worked out without being done, over temporary tables of its session. They are filled in
-- transactions that only read, so the server itself sees to it that nothing else changes.

-- name: create_rehearsal()#
-- The table a batch is copied into, and the one of every key of the file so far: its first and its
-- last value, and the one that is stored. Sessions of the embedded engine share such tables.
DROP TABLE IF EXISTS rehearsal_staging, rehearsal_keys;

CREATE TEMPORARY TABLE rehearsal_staging (
    equipment_id text NOT NULL,
    ts timestamptz NOT NULL,
    first_value double precision NOT NULL,
    last_value double precision NOT NULL
) ON COMMIT DELETE ROWS;

CREATE TEMPORARY TABLE rehearsal_keys (
    equipment_id text NOT NULL,
    ts timestamptz NOT NULL,
    first_value double precision NOT NULL,
    value double precision NOT NULL,
    stored double precision,
    PRIMARY KEY (equipment_id, ts)
);

-- name: rehearsed_values_that_stay(first_ts, last_ts)
-- The staged keys that have another value than their first one, stored or from earlier in the file,
-- with the value that stays where none is replaced.
SELECT
    staged.equipment_id,
    staged.ts,
    coalesce(readings.value, known.first_value) AS value
FROM rehearsal_staging AS staged
LEFT JOIN rehearsal_keys AS known
    ON staged.equipment_id = known.equipment_id AND staged.ts = known.ts
LEFT JOIN readings
    ON
        staged.equipment_id = readings.equipment_id
        AND staged.ts = readings.ts
        AND readings.ts BETWEEN :first_ts AND :last_ts
WHERE coalesce(readings.value, known.first_value) <> staged.first_value;

-- name: rehearse_batch(first_ts, last_ts, replaces)
-- What the staged keys would come to after those before them, chunk by chunk, and the hours in
-- which late rows would change, whether stored values are replaced or stay. The range of a chunk is
-- that of enter_staged_changes.
WITH met AS (
    SELECT
        staged.equipment_id,
        staged.ts,
        staged.first_value,
        staged.last_value,
        known.value AS value_before,
        coalesce(known.value, readings.value) AS value_met,
        CASE WHEN known.ts IS NULL THEN readings.value ELSE known.stored END AS stored
    FROM rehearsal_staging AS staged
    LEFT JOIN rehearsal_keys AS known
        ON staged.equipment_id = known.equipment_id AND staged.ts = known.ts
    LEFT JOIN readings
        ON
            staged.equipment_id = readings.equipment_id
            AND staged.ts = readings.ts
            AND readings.ts BETWEEN :first_ts AND :last_ts
),

noted AS (
    INSERT INTO rehearsal_keys (equipment_id, ts, first_value, value, stored)
    SELECT
        equipment_id,
        ts,
        first_value,
        last_value,
        stored
    FROM met
    ON CONFLICT (equipment_id, ts) DO UPDATE SET value = excluded.value
),

compared AS (
    SELECT
        ts,
        first_value,
        value_before,
        value_met,
        ts < late_before()
        AND (
            value_met IS NULL
            OR (:replaces AND (value_met <> first_value OR first_value <> last_value))
        ) AS is_late_change
    FROM met
)

SELECT
    count(*) FILTER (WHERE value_met IS NULL) AS inserted,
    count(*) FILTER (WHERE :replaces AND value_met <> first_value) AS replaced,
    count(*) FILTER (WHERE value_before = first_value) AS repeated_equal,
    count(*) FILTER (WHERE value_before <> first_value) AS repeated_different,
    time_bucket('1 hour', min(ts) FILTER (WHERE is_late_change)) AS range_start,
    time_bucket('1 hour', max(ts) FILTER (WHERE is_late_change)) + '1 hour'::interval AS range_end
FROM compared
GROUP BY time_bucket('7 days', ts, '1970-01-01 00:00:00+00'::timestamptz);

-- name: rehearsed_keys()^
-- How many keys of the file are not stored, stored with its last value for them, or with another.
SELECT
    count(*) FILTER (WHERE stored IS NULL) AS new,
    count(*) FILTER (WHERE stored = value) AS equal,
    count(*) FILTER (WHERE stored <> value) AS different
FROM rehearsal_keys;
