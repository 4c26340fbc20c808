-- Columnstore chunks that imports have written to. Rows written to such a chunk are stored beside its
-- compressed rows (TimescaleDB calls it partially compressed) until it is compressed again.

-- name: record_decompressed_chunks(import_id)!
-- Record the columnstore chunks that the staged changes go to, in the transaction that writes these.
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

-- name: decompressed_chunks()
-- The chunks to compress again, without those that an unfinished import is still loading into.
SELECT
    decompressed.range_start,
    array_agg(decompressed.id) AS ids
FROM opened_chunks AS decompressed
LEFT JOIN imports ON decompressed.import_id = imports.id
GROUP BY decompressed.range_start
HAVING bool_or(imports.state IN ('queued', 'loading')) IS NOT true
ORDER BY decompressed.range_start;

-- name: overdue_chunks()
-- The chunks that the policy should have compressed long ago, the oldest first.
SELECT
    range_start,
    range_end
FROM overdue_chunks
ORDER BY range_start;

-- name: set_lock_timeout(milliseconds)$
-- For this transaction, so that writers do not queue for long behind a lock it waits for.
SELECT set_config('lock_timeout', :milliseconds, true);

-- name: compress_chunk(range_start)!
-- Compress the rows that are not compressed yet. Does nothing if the chunk was dropped.
SELECT compress_readings(:range_start);

-- name: delete_decompressed_chunks(ids)!
-- Delete the records of chunks that were compressed; rows recorded since they were read stay.
DELETE FROM opened_chunks
WHERE id = any(:ids);
