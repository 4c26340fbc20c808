-- name: save_readings(equipment_ids, timestamps, values, replace)^
-- Insert readings of distinct keys at or above the horizon, which is returned with the counts, in the
-- key order in which all writers lock, so that none of them deadlock; where a key is stored with
-- another value, replace that or leave it and lock its row; enter late hours and changed days into
-- the ledgers, and pending readings for partial_hours.
WITH retention AS (
    SELECT max(horizon) AS horizon FROM retention_horizon
),

written AS (
    INSERT INTO readings AS stored (equipment_id, ts, value)
    SELECT
        equipment_id,
        ts,
        value
    FROM
        unnest(
            :equipment_ids::text[],
            :timestamps::timestamptz[],
            :values::double precision[]
        ) AS received (equipment_id, ts, value)
    CROSS JOIN retention
    WHERE horizon IS NULL OR ts >= horizon
    ORDER BY
        -- include: key_order()
    ON CONFLICT (equipment_id, ts) DO UPDATE
        SET value = excluded.value, register_time = excluded.register_time
        WHERE :replace AND stored.value <> excluded.value
    RETURNING equipment_id, ts, value, xmax = 0 AS is_new
),

counted AS (
    SELECT
        count(*) FILTER (WHERE is_new) AS inserted,
        count(*) FILTER (WHERE NOT is_new) AS replaced
    FROM written
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
),

pending AS (
    INSERT INTO pending_readings (equipment_id, ts, value)
    SELECT
        written.equipment_id,
        written.ts,
        CASE WHEN written.is_new THEN written.value END AS value
    FROM written
    CROSS JOIN partial_hours_range AS covered
    WHERE written.ts >= covered.start_ts AND written.ts < covered.announced_end
),

changed AS (
    -- include: changed_days(written)
),

noted AS (
    INSERT INTO data_changes (equipment_ids, days, token, readings, pending_entered)
    SELECT
        array_agg(equipment_id) AS equipment_ids,
        array_agg(day) AS days,
        change_token() AS token,
        (SELECT counted.inserted + counted.replaced FROM counted) AS readings,
        TRUE AS pending_entered
    FROM changed
    HAVING count(*) > 0
)

SELECT
    retention.horizon,
    counted.inserted,
    counted.replaced
FROM retention CROSS JOIN counted;

-- name: mismatched_readings(equipment_ids, timestamps, values, first_ts, last_ts)
-- Which of these readings, all between the two timestamps, are stored with another value or not at
-- all: their positions in the lists, from 1.
SELECT received.place
FROM
    unnest(
        :equipment_ids::text[],
        :timestamps::timestamptz[],
        :values::double precision[]
    ) WITH ORDINALITY AS received (equipment_id, ts, value, place)
LEFT JOIN readings AS stored
    ON
        received.equipment_id = stored.equipment_id
        AND received.ts = stored.ts
        AND stored.ts BETWEEN :first_ts AND :last_ts
WHERE stored.value IS DISTINCT FROM received.value
ORDER BY received.place;

-- name: retention_horizon()$
-- No reading older than this is accepted; no row: every age is. It cannot move while the
-- transaction runs.
SELECT horizon FROM retention_horizon
FOR SHARE;

-- name: prepare_batch_transaction(milliseconds)^
-- Allow writes to old chunks in the columnstore, where the default limit on decompressed rows
-- would fail a batch; let the server end the transaction of a client that falls silent in it.
SELECT
    set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', TRUE) AS unlimited,
    set_config('idle_in_transaction_session_timeout', :milliseconds, TRUE) AS bounded;

-- name: reaches_columnstore(first_ts, last_ts)$
-- Whether a chunk between the two timestamps has rows in the columnstore.
SELECT count(*) > 0
FROM timescaledb_information.chunks
WHERE
    hypertable_name = 'readings'
    AND is_compressed
    AND range_start <= :last_ts AND range_end > :first_ts;

-- name: begin_copy()#
-- Begin a part of the transaction that can be undone and does not wait for locks; well below
-- deadlock_timeout, whose default is a second.
SAVEPOINT optimistic_copy; -- noqa: PRS
SET LOCAL lock_timeout = '250ms';

-- name: end_copy()#
-- End that part.
RELEASE SAVEPOINT optimistic_copy;
SET LOCAL lock_timeout TO DEFAULT;

-- name: undo_copy()#
-- Undo that part, its lock_timeout included.
ROLLBACK TO SAVEPOINT optimistic_copy;
RELEASE SAVEPOINT optimistic_copy;
