-- Chunks in the columnstore that imports write to: their new rows lie beside it until the chunk is
-- compressed again.

-- name: note_opened_chunks(import_id)!
-- Enter the chunks in the columnstore that the staged changes go to, in the transaction of these.
INSERT INTO opened_chunks (range_start, import_id)
SELECT
    chunks.range_start,
    cast(:import_id AS uuid) AS import_id
FROM timescaledb_information.chunks AS chunks
WHERE
    chunks.hypertable_name = 'readings'
    AND chunks.is_compressed
    AND EXISTS (
        SELECT FROM import_changes AS changed
        WHERE changed.ts >= chunks.range_start AND changed.ts < chunks.range_end
    );

-- name: opened_chunks()
-- The chunks to compress again; those that an import is still loading into are left for its end.
SELECT
    opened.range_start,
    array_agg(opened.id) AS ids
FROM opened_chunks AS opened
LEFT JOIN imports ON opened.import_id = imports.id
GROUP BY opened.range_start
HAVING bool_or(imports.state IN ('queued', 'loading')) IS NOT true
ORDER BY opened.range_start;

-- name: bound_lock_waits(milliseconds)$
-- Let no writer wait behind this transaction while it waits for a lock itself.
SELECT set_config('lock_timeout', :milliseconds, true);

-- name: compress_chunk(range_start)!
-- Take the rows beside the columnstore into it; nothing to do where a chunk is not there any more.
SELECT compress_readings(:range_start);

-- name: forget_opened_chunks(ids)!
-- These have been compressed, as they were read.
DELETE FROM opened_chunks
WHERE id = any(:ids);
