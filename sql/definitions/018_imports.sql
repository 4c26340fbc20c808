-- Used by the API, when a file has passed it, and by the worker, when it has not.

CREATE OR REPLACE FUNCTION first_import_of(checksum bytea) RETURNS uuid
LANGUAGE sql STABLE
AS $$
    SELECT id
    FROM imports
    WHERE sha256 = checksum AND state NOT IN ('failed', 'cancelled', 'awaiting_upload')
    ORDER BY created_at, id
    LIMIT 1
$$;

COMMENT ON FUNCTION first_import_of IS
'The earliest import of a file with this SHA-256 that has neither failed nor been cancelled.';
