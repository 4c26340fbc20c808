-- The dry run of an import, over temporary tables of its session. They are filled in read-only
-- transactions, so the server itself ensures that nothing else changes.

-- name: create_dry_run_tables()#
-- dry_run_staging takes one batch; dry_run_keys holds every key of the file so far with its first
-- and last value in the file and its stored value. They are dropped first, because all sessions of
-- the embedded engine share their temporary tables.
DROP TABLE IF EXISTS dry_run_staging, dry_run_keys;

CREATE TEMPORARY TABLE dry_run_staging (
    equipment_id text NOT NULL,
    ts timestamptz NOT NULL,
    first_value double precision NOT NULL,
    last_value double precision NOT NULL
) ON COMMIT DELETE ROWS;

CREATE TEMPORARY TABLE dry_run_keys (
    equipment_id text NOT NULL,
    ts timestamptz NOT NULL,
    first_value double precision NOT NULL,
    value double precision NOT NULL,
    stored double precision,
    PRIMARY KEY (equipment_id, ts)
);

-- name: dry_run_conflicts(first_ts, last_ts)
-- The staged keys whose first value differs from the one that is stored or came earlier in the file,
-- with that value, which stays where conflicts do not replace.
SELECT
    staged.equipment_id,
    staged.ts,
    coalesce(readings.value, known.first_value) AS value
FROM dry_run_staging AS staged
LEFT JOIN dry_run_keys AS known
    ON staged.equipment_id = known.equipment_id AND staged.ts = known.ts
LEFT JOIN readings
    ON
        staged.equipment_id = readings.equipment_id
        AND staged.ts = readings.ts
        AND readings.ts BETWEEN :first_ts AND :last_ts
WHERE coalesce(readings.value, known.first_value) <> staged.first_value;

-- name: dry_run_batch(first_ts, last_ts, replaces)
-- Per chunk, how the import would count the staged keys after those before them in the file, and the
-- hours that late rows would change, where stored values are replaced or where they stay. The range
-- of a chunk is computed as in enter_staged_changes.
WITH joined AS (
    SELECT
        staged.equipment_id,
        staged.ts,
        staged.first_value,
        staged.last_value,
        known.value AS file_value,
        coalesce(known.value, readings.value) AS current_value,
        CASE WHEN known.ts IS NULL THEN readings.value ELSE known.stored END AS stored
    FROM dry_run_staging AS staged
    LEFT JOIN dry_run_keys AS known
        ON staged.equipment_id = known.equipment_id AND staged.ts = known.ts
    LEFT JOIN readings
        ON
            staged.equipment_id = readings.equipment_id
            AND staged.ts = readings.ts
            AND readings.ts BETWEEN :first_ts AND :last_ts
),

recorded AS (
    INSERT INTO dry_run_keys (equipment_id, ts, first_value, value, stored)
    SELECT
        equipment_id,
        ts,
        first_value,
        last_value,
        stored
    FROM joined
    ON CONFLICT (equipment_id, ts) DO UPDATE SET value = excluded.value
),

compared AS (
    SELECT
        ts,
        first_value,
        file_value,
        current_value,
        ts < late_before()
        AND (
            current_value IS NULL
            OR (:replaces AND (current_value <> first_value OR first_value <> last_value))
        ) AS is_late_change
    FROM joined
)

SELECT
    count(*) FILTER (WHERE current_value IS NULL) AS inserted,
    count(*) FILTER (WHERE :replaces AND current_value <> first_value) AS replaced,
    count(*) FILTER (WHERE file_value = first_value) AS repeated_equal,
    count(*) FILTER (WHERE file_value <> first_value) AS repeated_different,
    time_bucket('1 hour', min(ts) FILTER (WHERE is_late_change)) AS range_start,
    time_bucket('1 hour', max(ts) FILTER (WHERE is_late_change)) + '1 hour'::interval AS range_end
FROM compared
GROUP BY time_bucket('7 days', ts, '1970-01-01 00:00:00+00'::timestamptz);

-- name: count_dry_run_keys()^
-- How many keys of the file are not stored, stored with its last value for them, or with another.
SELECT
    count(*) FILTER (WHERE stored IS NULL) AS new,
    count(*) FILTER (WHERE stored = value) AS equal,
    count(*) FILTER (WHERE stored <> value) AS different
FROM dry_run_keys;
