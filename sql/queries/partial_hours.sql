-- Rolling partial_hours forward: docs/decisions/0009-partial-hours.md. The statements from
-- lock_partial_hours on belong in one transaction with one snapshot.

-- name: announce_partial_hours(delay_seconds, step_seconds)^
-- Tell writers up to where partial_hours will reach next: whoever looks from now on enters readings
-- before that as pending. No row: something has changed that is in no pending reading. At first
-- partial_hours begins at the watermark, or with the running hour if the watermark is far behind.
WITH beginning AS (
    SELECT
        CASE
            WHEN covered.start_ts > '-infinity' THEN greatest(covered.start_ts, seam.hours_end)
            WHEN seam.hours_end >= now() - '3 hours'::interval THEN seam.hours_end
            ELSE time_bucket('1 hour', now())
        END AS start_ts
    FROM partial_hours_range AS covered
    CROSS JOIN partial_hours_seam AS seam
    WHERE
        NOT EXISTS (
            SELECT FROM pending_readings
            WHERE pending_readings.equipment_id = '' AND pending_readings.value IS NULL
        )
)

UPDATE partial_hours_range AS covered
SET
    start_ts = greatest(covered.start_ts, beginning.start_ts),
    end_ts = greatest(covered.end_ts, beginning.start_ts),
    announced_end = greatest(
        covered.announced_end,
        least(
            greatest(covered.end_ts, beginning.start_ts) + make_interval(secs => :step_seconds),
            clock_timestamp() - make_interval(secs => :delay_seconds)
        )
    )
FROM beginning
RETURNING
    covered.announced_end,
    covered.announced_end
    < clock_timestamp() - make_interval(secs => :delay_seconds) - '1 second'::interval AS is_behind;

-- name: writing_transactions()
-- The other transactions that may have written readings and not ended yet. Each holds a lock on the
-- table, which it had before the snapshot in which it looked what is announced.
SELECT DISTINCT virtualtransaction
FROM pg_locks
WHERE
    locktype = 'relation'
    AND relation = 'readings'::regclass
    AND database = (
        SELECT pg_database.oid FROM pg_database
        WHERE pg_database.datname = current_database()
    )
    AND mode = 'RowExclusiveLock'
    AND granted
    AND pid IS DISTINCT FROM pg_backend_pid();

-- name: lock_partial_hours()^
-- Hold partial_hours_range until the transaction ends; its range in the snapshot.
SELECT
    covered.start_ts > '-infinity' AS is_begun,
    greatest(covered.start_ts, materialised.hours_end) AS start_ts,
    greatest(covered.end_ts, materialised.hours_end) AS end_ts
FROM partial_hours_range AS covered
CROSS JOIN rollup_watermark('readings_1h') AS materialised (hours_end)
FOR UPDATE OF covered;

-- name: discard_partial_hours(quiet_seconds)!
-- Begin anew, once no change has come for so long that is in no pending reading.
WITH hours AS (
    DELETE FROM partial_hours
),

pending AS (
    DELETE FROM pending_readings
    WHERE equipment_id <> '' OR ts < now() - make_interval(secs => :quiet_seconds)
)

UPDATE partial_hours_range
SET
    start_ts = '-infinity',
    end_ts = '-infinity',
    announced_end = '-infinity';

-- name: delete_passed_hours(start_ts, end_ts)!
-- Delete what readings_1h has materialised, and the hours in which pending readings replaced others.
DELETE FROM partial_hours
WHERE
    bucket < :start_ts
    OR (equipment_id, bucket) IN (
        -- include: hours_to_recount()
    );

-- name: merge_pieces(start_ts, end_ts, new_end)!
-- Add the readings from :end_ts up to :new_end, and the pending ones before. Pending readings past
-- :end_ts are among the former.
WITH recounted AS (
    -- include: hours_to_recount()
),

pieces AS (
    SELECT
        -- include: readings_as_piece()
    FROM readings
    WHERE readings.ts >= :end_ts AND readings.ts < :new_end
    GROUP BY readings.equipment_id, time_bucket('1 hour', readings.ts)
    UNION ALL
    SELECT
        -- include: reading_as_piece(pending)
    FROM pending_readings AS pending
    WHERE
        pending.value IS NOT NULL
        AND pending.ts >= :start_ts
        AND pending.ts < :end_ts
        AND NOT EXISTS (
            SELECT FROM recounted
            WHERE
                recounted.equipment_id = pending.equipment_id
                AND recounted.bucket = time_bucket('1 hour', pending.ts)
        )
    UNION ALL
    SELECT counted.*
    FROM recounted
    CROSS JOIN LATERAL (
        SELECT
            -- include: readings_as_piece()
        FROM readings
        WHERE
            readings.equipment_id = recounted.equipment_id
            AND readings.ts >= recounted.bucket
            AND readings.ts < least(recounted.bucket + '1 hour'::interval, :end_ts)
        GROUP BY readings.equipment_id, time_bucket('1 hour', readings.ts)
    ) AS counted
)

INSERT INTO partial_hours AS stored (
    -- include: piece_columns()
)
SELECT
    equipment_id,
    bucket,
    min(first_ts) AS first_ts,
    max(last_ts) AS last_ts,
    -- include: sums_of_pieces()
FROM pieces
GROUP BY equipment_id, bucket
ON CONFLICT (equipment_id, bucket) DO UPDATE
    SET
        total_value = stored.total_value + excluded.total_value,
        sample_count = stored.sample_count + excluded.sample_count,
        minimum = least(stored.minimum, excluded.minimum),
        maximum = greatest(stored.maximum, excluded.maximum),
        first
        = CASE WHEN excluded.first_ts < stored.first_ts THEN excluded.first ELSE stored.first END,
        last = CASE WHEN excluded.last_ts > stored.last_ts THEN excluded.last ELSE stored.last END,
        first_ts = least(stored.first_ts, excluded.first_ts),
        last_ts = greatest(stored.last_ts, excluded.last_ts);

-- name: end_merge(new_end)!
-- Delete the pending readings of the snapshot; what is merged now reaches up to :new_end.
WITH merged AS (
    DELETE FROM pending_readings
    WHERE equipment_id <> ''
)

UPDATE partial_hours_range
SET end_ts = :new_end;
