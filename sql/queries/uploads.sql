-- Uploads that came to no end, and what is left of them.

-- name: expire_uploads(seconds, error_code)!
-- End the imports whose file has not come in so long.
UPDATE imports
SET
    state = 'failed',
    finished_at = now(),
    error_code = :error_code,
    error_message = 'The file was not sent, or not completed, in time. Ask for a new upload.'
WHERE state = 'awaiting_upload' AND created_at < now() - make_interval(secs => :seconds);

-- name: orphans_among(keys)
-- Those of the objects `imports/<id>/...` that no import needs: an import needs its rejects, those of
-- the first generation, of the current one and of the one that a repair is making; the corrected
-- rows that it names; and the file that it names, if that has come or may still come.
SELECT stored.key
FROM unnest(cast(:keys AS text[])) AS stored (key)
LEFT JOIN imports ON split_part(stored.key, '/', 2) = imports.id::text
WHERE
    imports.id IS NULL
    OR NOT (
        split_part(stored.key, '/', 3) IN (
            'rejects',
            'rejects-' || imports.rejects_generation,
            'rejects-' || (imports.rejects_generation + 1)
        )
        OR stored.key IS NOT DISTINCT FROM imports.repair_key
        OR (
            stored.key = imports.object_key
            AND (imports.uploaded_at IS NOT NULL OR imports.state = 'awaiting_upload')
        )
    );
