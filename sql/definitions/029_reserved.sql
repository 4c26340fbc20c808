-- What PostgreSQL and TimescaleDB let every login of the database do, and only an administrator's needs:
-- others could drop chunks, freeze them, fill the lock table that all sessions share, leave jobs and
-- large objects behind. Names that a release does not have are no matter.
CREATE OR REPLACE VIEW reserved_routines AS
SELECT
    routine.oid::regprocedure AS name,
    (
        routine.proacl IS NULL
        OR 0 IN (SELECT granted.grantee FROM ACLEXPLODE(routine.proacl) AS granted)
    ) AS is_open_to_all
FROM pg_proc AS routine
WHERE
    (
        -- They do not ask who owns the chunk.
        routine.pronamespace IN (
            TO_REGNAMESPACE('_timescaledb_functions'), TO_REGNAMESPACE('_timescaledb_internal')
        )
        AND routine.proname IN (
            'attach_osm_table_chunk',
            'chunk_statistics_reset',
            'drop_chunk',
            'drop_osm_chunk',
            'freeze_chunk',
            'unfreeze_chunk'
        )
    )
    OR (routine.pronamespace = 'public'::regnamespace AND routine.proname = 'add_job')
    OR (
        routine.pronamespace = 'pg_catalog'::regnamespace
        AND (
            routine.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'pg_logical_emit_message')
            OR routine.proname ~ '^pg_(try_)?advisory_(xact_)?lock'
        )
    );

COMMENT ON VIEW reserved_routines IS
'Functions that only an administrator needs, and whether every login may execute them.';

-- They belong to a superuser, so only a superuser can reserve them. Temporary tables of one session can fill
-- the lock table and the disk of all; imports need them.
DO $$
DECLARE
    routine regprocedure;
    is_superuser constant boolean = current_setting('is_superuser');
    owns_database constant boolean = (
        SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()
    );
BEGIN
    IF is_superuser THEN
        FOR routine IN SELECT name FROM reserved_routines WHERE is_open_to_all LOOP
            EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', routine);
        END LOOP;
    END IF;
    IF owns_database THEN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
        EXECUTE format(
            'GRANT TEMPORARY ON DATABASE %I TO sensorflow_app, sensorflow_rollups',
            current_database()
        );
    END IF;
END
$$;
