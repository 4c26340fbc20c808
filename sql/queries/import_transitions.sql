-- Every statement that sets imports.state. The parameter from_states holds the states from which
-- core/imports.py allows the transition. No row comes back when nothing was changed: the import is
-- in another state or, where a worker's attempt is named, another worker has taken it over.

-- name: create_queued_import(import_id, file_name, object_key, size_bytes, created_by, created_by_name, options, sha256)!
-- Create an import whose file is stored; its duplicate_of is the first import of the same bytes.
INSERT INTO imports (
    id,
    file_name,
    object_key,
    size_bytes,
    created_by,
    created_by_name,
    options,
    sha256,
    duplicate_of,
    state
)
VALUES (
    :import_id,
    :file_name,
    :object_key,
    :size_bytes,
    :created_by,
    :created_by_name,
    :options,
    :sha256,
    first_import_of(:sha256),
    'queued'
);

-- name: create_import_awaiting_upload(import_id, file_name, object_key, size_bytes, created_by, created_by_name, options, announced_sha256)!
-- Create an import whose file is to be sent.
INSERT INTO imports (
    id,
    file_name,
    object_key,
    size_bytes,
    created_by,
    created_by_name,
    options,
    announced_sha256,
    uploaded_at,
    state
)
VALUES (
    :import_id,
    :file_name,
    :object_key,
    :size_bytes,
    :created_by,
    :created_by_name,
    :options,
    :announced_sha256,
    NULL,
    'awaiting_upload'
);

-- name: complete_upload(e_tag, import_id, from_states)^
-- The file has arrived, as the object of this ETag.
UPDATE imports
SET
    state = 'queued',
    uploaded_at = now(),
    duplicate_of = first_import_of(sha256),
    object_e_tag = :e_tag
WHERE id = :import_id AND state = any(:from_states)
RETURNING id;

-- name: expire_uploads(seconds, error_code, from_states)^
-- Fail the imports whose file has not arrived in so long; how many.
WITH expired AS (
    UPDATE imports
    SET
        state = 'failed',
        finished_at = now(),
        error_code = :error_code,
        error_message = 'The file was not sent, or not completed, in time. Ask for a new upload.'
    WHERE state = any(:from_states) AND created_at < now() - make_interval(secs => :seconds)
    RETURNING id
)

SELECT count(*) AS imports
FROM expired
HAVING count(*) > 0;

-- name: claim_import(import_id, from_states)^
-- Begin the next attempt at an unfinished import, which ends every earlier attempt. Where no batch
-- is stored, no row counts and nothing is warned of: an earlier attempt may have counted the rows
-- of a file it discarded.
UPDATE imports
SET
    attempt = attempt + 1,
    tries = tries + 1,
    rows_read = CASE lines_done WHEN 0 THEN 0 ELSE rows_read END,
    rows_rejected = CASE lines_done WHEN 0 THEN 0 ELSE rows_rejected END,
    warnings = CASE lines_done WHEN 0 THEN '[]' ELSE warnings END,
    state = CASE state WHEN 'queued' THEN 'loading' ELSE state END,
    started_at = coalesce(started_at, now())
WHERE id = :import_id AND state = any(:from_states)
RETURNING
    id,
    object_key,
    state,
    attempt,
    tries,
    lines_done,
    rows_rejected,
    started_at,
    options,
    rejects_generation,
    repairing,
    repair_key,
    repair_at,
    repair_lines_done,
    object_e_tag,
    announced_sha256,
    sha256,
    warnings;

-- name: begin_aggregating(import_id, attempt, from_states)^
-- The whole file, or every part of its resubmitted rejects, is loaded; the rollups come next.
UPDATE imports
SET
    state = 'aggregating',
    tries = 0,
    bytes_done = coalesce(bytes_total, bytes_done),
    rejects_generation = rejects_generation + repairing::integer,
    repairing = FALSE
WHERE id = :import_id AND attempt = :attempt AND state = any(:from_states)
RETURNING id;

-- name: finish_import(import_id, attempt, from_states)^
-- Every row of the import is visible.
UPDATE imports
SET state = 'done', finished_at = now()
WHERE id = :import_id AND attempt = :attempt AND state = any(:from_states)
RETURNING id;

-- name: fail_import(error_code, error_message, import_id, attempt, from_states)^
-- End the import; what it has loaded stays, and its counts say how much that is.
UPDATE imports
SET
    state = 'failed',
    finished_at = now(),
    error_code = :error_code,
    error_message = :error_message
WHERE id = :import_id AND attempt = :attempt AND state = any(:from_states)
RETURNING id;

-- name: cancel_import(import_id, from_states)^
-- End the import before its next batch; what it has loaded stays.
UPDATE imports
SET state = 'cancelled', finished_at = now()
WHERE id = :import_id AND state = any(:from_states)
RETURNING id;

-- name: retry_import(import_id, from_states)^
-- Queue an import again whose file has arrived; the worker continues after its last batch.
UPDATE imports
SET
    state = 'queued',
    tries = 0,
    error_code = NULL,
    error_message = NULL,
    finished_at = NULL
WHERE id = :import_id AND state = any(:from_states) AND uploaded_at IS NOT NULL
RETURNING id;

-- name: resubmit_rejects(object_key, no_valid_rows, import_id, from_states)^
-- Queue an import again to load corrected rows, if its file was read to the end: it is done, or it
-- failed because no row was valid.
UPDATE imports
SET
    state = 'queued',
    tries = 0,
    error_code = NULL,
    error_message = NULL,
    finished_at = NULL,
    repairing = TRUE,
    repair_key = :object_key,
    repair_at = now(),
    repair_lines_done = 0
WHERE
    id = :import_id
    AND state = any(:from_states)
    AND (state = 'done' OR error_code = :no_valid_rows)
RETURNING id;
