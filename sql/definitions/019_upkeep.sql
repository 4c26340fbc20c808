-- What the worker needs an owner's privileges for. These functions have them; nobody may execute them
-- but the application.

CREATE OR REPLACE FUNCTION compress_readings(chunk_start timestamptz) RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        public.compress_chunk(
            format('%I.%I', chunk_schema, chunk_name)::regclass, if_not_compressed => true
        )
    FROM timescaledb_information.chunks
    WHERE
        hypertable_schema = 'public'
        AND hypertable_name = 'readings'
        AND is_compressed
        AND range_start = chunk_start
$$;

COMMENT ON FUNCTION compress_readings IS
'Compresses the rows beside the columnstore of the chunk that starts then, if it is still there.';

REVOKE ALL ON FUNCTION compress_readings FROM public;
