-- The worker's side of an import within a state; import_transitions.sql has what changes the state.
-- Every write names the attempt it belongs to: it changes nothing, and returns no row, when another
-- worker has taken the import over.

-- name: create_chunks(timestamps)$
-- Create the missing chunks of these timestamps, in a transaction of its own; how many. A session
-- that writes to a chunk which another transaction creates waits for the end of that transaction.
SELECT count(*)
FROM (
    SELECT time_bucket('7 days', chosen.ts, '1970-01-01 00:00:00+00'::timestamptz) AS range_start
    FROM unnest(cast(:timestamps AS timestamptz[])) AS chosen (ts)
) AS wanted
CROSS JOIN LATERAL _timescaledb_functions.create_chunk(
    'readings',
    jsonb_build_object(
        'ts',
        jsonb_build_array(
            _timescaledb_functions.time_to_internal(wanted.range_start),
            _timescaledb_functions.time_to_internal(wanted.range_start + '7 days'::interval)
        )
    )
)
WHERE
    NOT EXISTS (
        SELECT FROM timescaledb_information.chunks AS present
        WHERE
            present.hypertable_name = 'readings'
            AND present.range_start < wanted.range_start + '7 days'::interval
            AND present.range_end > wanted.range_start
    );

-- name: create_import_staging()#
-- The table a batch is copied into, one row per key, and the table of those keys that are written.
CREATE TEMPORARY TABLE import_staging (
    equipment_id text NOT NULL,
    ts timestamptz NOT NULL,
    first_value double precision NOT NULL,
    last_value double precision NOT NULL
) ON COMMIT DROP;

CREATE TEMPORARY TABLE import_changes (LIKE import_staging) ON COMMIT DROP;

-- name: stage_changes(first_ts, last_ts)$
-- Copy the staged keys that are not stored, or with another value, to import_changes; how many.
WITH changes AS (
    INSERT INTO import_changes (equipment_id, ts, first_value, last_value)
    SELECT
        staged.equipment_id,
        staged.ts,
        staged.first_value,
        staged.last_value
    FROM import_staging AS staged
    LEFT JOIN readings
        ON
            staged.equipment_id = readings.equipment_id
            AND staged.ts = readings.ts
            AND readings.ts BETWEEN :first_ts AND :last_ts
    WHERE
        readings.value IS DISTINCT FROM staged.first_value
        OR staged.first_value <> staged.last_value
    RETURNING 1
)

SELECT count(*) FROM changes;

-- name: store_changes(last_values)^
-- Write the first or, where it differs, the last value of each changed key; count the written rows.
WITH written AS (
    INSERT INTO readings (equipment_id, ts, value)
    SELECT
        equipment_id,
        ts,
        CASE WHEN :last_values THEN last_value ELSE first_value END AS value
    FROM import_changes
    WHERE NOT :last_values OR first_value <> last_value
    ORDER BY
        -- include: key_order()
    ON CONFLICT (equipment_id, ts) DO UPDATE
        SET value = excluded.value, register_time = now()
        WHERE readings.value IS DISTINCT FROM excluded.value
    RETURNING xmax = 0 AS is_new
)

SELECT
    count(*) FILTER (WHERE is_new) AS inserted,
    count(*) FILTER (WHERE NOT is_new) AS replaced
FROM written;

-- name: store_new()$
-- Write the first value of each staged key that is not stored, and copy these keys to
-- import_changes; how many were written.
WITH written AS (
    INSERT INTO readings (equipment_id, ts, value)
    SELECT
        equipment_id,
        ts,
        first_value AS value
    FROM import_staging
    ORDER BY
        -- include: key_order()
    ON CONFLICT (equipment_id, ts) DO NOTHING
    RETURNING equipment_id, ts, value
),

changes AS (
    INSERT INTO import_changes (equipment_id, ts, first_value, last_value)
    SELECT
        equipment_id,
        ts,
        value AS first_value,
        value AS last_value
    FROM written
)

SELECT count(*) FROM written;

-- name: count_stored_keys(first_ts, last_ts)$
-- How many staged keys are stored, with any value.
SELECT count(*)
FROM import_staging AS staged
INNER JOIN readings
    ON
        staged.equipment_id = readings.equipment_id
        AND staged.ts = readings.ts
WHERE readings.ts BETWEEN :first_ts AND :last_ts;

-- name: conflicting_values(first_ts, last_ts)
-- The staged keys that are stored with another value than their first one, with the stored value.
SELECT
    readings.equipment_id,
    readings.ts,
    readings.value
FROM import_staging AS staged
INNER JOIN readings
    ON
        staged.equipment_id = readings.equipment_id
        AND staged.ts = readings.ts
WHERE
    readings.ts BETWEEN :first_ts AND :last_ts
    AND readings.value <> staged.first_value;

-- name: count_stored_changes(first_ts, last_ts)$
-- How many changed keys are stored with their last value.
SELECT count(*)
FROM import_changes AS changed
INNER JOIN readings
    ON
        changed.equipment_id = readings.equipment_id
        AND changed.ts = readings.ts
        AND changed.last_value = readings.value
WHERE readings.ts BETWEEN :first_ts AND :last_ts;

-- name: record_checksum(sha256, import_id, attempt)$
-- Store the checksum of a file that did not pass the API, and the first import of the same bytes.
UPDATE imports
SET
    sha256 = :sha256,
    duplicate_of = first_import_of(:sha256)
WHERE id = :import_id AND attempt = :attempt AND state = 'loading'
RETURNING id;

-- name: begin_loading(bytes_total, import_id, attempt)$
-- Store the size of the decompressed text, and from when on the rate is measured.
UPDATE imports
SET
    bytes_total = :bytes_total,
    loading_since = clock_timestamp(),
    rows_before = rows_read
WHERE id = :import_id AND attempt = :attempt AND state = 'loading'
RETURNING id;

-- name: checkpoint_import(lines_done, bytes_read, rows_read, inserted, replaced, unchanged, skipped, rejected, first_ts, last_ts, warnings, import_id, attempt)$
-- Add a batch to the row counts and move the checkpoint, in the batch's own transaction. A
-- resubmission of rejects has a checkpoint of its own. The warnings are all up to this batch.
UPDATE imports
SET
    lines_done = CASE WHEN repairing THEN lines_done ELSE :lines_done END,
    repair_lines_done = CASE WHEN repairing THEN :lines_done ELSE repair_lines_done END,
    bytes_done = least(bytes_done + :bytes_read, bytes_total),
    progress_at = clock_timestamp(),
    rows_read = rows_read + :rows_read,
    rows_inserted = rows_inserted + :inserted,
    rows_replaced = rows_replaced + :replaced,
    rows_unchanged = rows_unchanged + :unchanged,
    rows_skipped = rows_skipped + :skipped,
    rows_rejected = rows_rejected + :rejected,
    first_ts = least(first_ts, :first_ts),
    last_ts = greatest(last_ts, :last_ts),
    warnings = :warnings,
    tries = 0
WHERE id = :import_id AND attempt = :attempt AND state = 'loading'
RETURNING id;

-- name: import_row_counts(import_id, attempt)^
-- How many rows of the file were read and rejected so far; no row: the attempt has ended.
SELECT
    rows_read,
    rows_rejected
FROM imports
WHERE id = :import_id AND attempt = :attempt AND state = 'loading';

-- name: count_discarded(rejected, warnings, import_id, attempt)$
-- Store how many rows were rejected, and the warnings, of a file of which nothing is stored.
UPDATE imports
SET
    rows_read = :rejected,
    rows_rejected = :rejected,
    warnings = :warnings
WHERE id = :import_id AND attempt = :attempt AND state = 'loading' AND lines_done = 0
RETURNING id;

-- name: import_state(import_id)$
-- The state of an import.
SELECT state FROM imports
WHERE id = :import_id;

-- name: import_is_visible(import_id)$
-- Whether the rollups cover every row that the import has written.
SELECT count(*) = 0
FROM rollup_dirty_ranges
WHERE import_id = :import_id;

-- name: release_import(import_id, attempt)!
-- Do not count the attempt: the worker stops, which is no fault of the file.
UPDATE imports
SET tries = greatest(tries - 1, 0)
WHERE id = :import_id AND attempt = :attempt;

-- name: imports_without_job()
-- Unfinished imports without a job in the queue: nothing would continue them.
SELECT imports.id
FROM imports
WHERE
    imports.state IN ('queued', 'loading', 'aggregating')
    AND NOT EXISTS (
        SELECT FROM queue.pgqueuer AS job
        WHERE
            job.dedupe_key = 'import:' || imports.id
            AND job.status IN ('queued', 'picked')
    );
