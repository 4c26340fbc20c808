-- TimescaleDB lets only its owner refresh a rollup. Hence the rollups belong to sensorflow_rollups, which
-- owns nothing else, and the worker takes this role for a refresh. A rollup has tables in TimescaleDB's
-- own schema, so only a superuser, or a role that sensorflow_rollups may create tables there for, can
-- give it away. Otherwise it stays with the role that migrates, and so do refreshes.
DO $$
DECLARE
    rollup regclass;
    is_superuser constant boolean = current_setting('is_superuser');
BEGIN
    IF NOT is_superuser
        AND NOT has_schema_privilege('sensorflow_rollups', '_timescaledb_internal', 'CREATE')
    THEN
        RETURN;
    END IF;
    FOR rollup IN
        SELECT oid
        FROM pg_class
        WHERE
            oid IN ('public.readings_1h'::regclass, 'public.readings_1d'::regclass)
            AND relowner <> 'sensorflow_rollups'::regrole
    LOOP
        GRANT CREATE ON SCHEMA public TO sensorflow_rollups;
        EXECUTE format('ALTER MATERIALIZED VIEW %s OWNER TO sensorflow_rollups', rollup);
        REVOKE CREATE ON SCHEMA public FROM sensorflow_rollups;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO sensorflow_rollups;
GRANT SELECT ON readings TO sensorflow_rollups;
