-- What `sensorflow doctor database` asks. It answers for any database, migrated or not.

-- name: role_of_session()^
-- Who this session is, and what that role may do that the application need not.
SELECT
    session_role.rolname AS name,
    session_role.rolsuper AS is_superuser,
    exists(
        SELECT FROM pg_class AS readings
        WHERE
            readings.relname = 'readings'
            AND readings.relnamespace = to_regnamespace('public')
            AND pg_has_role(readings.relowner, 'USAGE')
    ) AS is_owner,
    has_schema_privilege('public', 'CREATE') AS may_create_tables,
    coalesce(pg_has_role(to_regrole('sensorflow_app'), 'USAGE'), false) AS is_application
FROM pg_roles AS session_role
WHERE session_role.rolname = current_user;

-- name: rollup_owner()^
-- Who owns the rollups, and whether this session may become that role to refresh them.
SELECT
    pg_get_userbyid(relowner)::text AS name,
    pg_has_role(relowner, 'MEMBER') AS may_refresh
FROM pg_class
WHERE oid = to_regclass('public.readings_1h');

-- name: open_reserved_routines()
-- The functions of administrators that every login of the database may execute.
SELECT name::text FROM reserved_routines
WHERE is_open_to_all;
