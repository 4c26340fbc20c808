-- name: orphaned_objects(keys)
-- Those of the objects `imports/<id>/...` that no import needs. An import needs its rejects of the
-- first generation, of the current one and of the one that a resubmission is writing; the corrected
-- rows that it refers to; and its file, if that has arrived or may still arrive.
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
