-- name: backup_target()^
-- What kind of database it is: with our schema, or empty but for extensions.
SELECT
    to_regclass('public.alembic_version') IS NOT NULL AS has_schema,
    current_setting('is_superuser')::bool AS is_superuser,
    NOT EXISTS (
        SELECT
        FROM pg_class AS relation
        INNER JOIN pg_namespace AS schema ON relation.relnamespace = schema.oid
        WHERE
            schema.nspname IN ('public', 'bi', 'queue')
            AND NOT EXISTS (
                SELECT
                FROM pg_depend AS dependency
                WHERE dependency.objid = relation.oid AND dependency.deptype = 'e'
            )
    ) AS is_empty;

-- name: timescaledb_for_restore(version)^
-- Which version of TimescaleDB the database has, and whether it can have the given one.
SELECT
    extension.installed_version AS installed,
    extension.default_version,
    (
        SELECT count(*) > 0
        FROM pg_available_extension_versions AS available
        WHERE available.name = 'timescaledb' AND available.version = :version
    ) AS is_available
FROM (SELECT 'timescaledb' AS name) AS wanted
LEFT JOIN pg_available_extensions AS extension ON wanted.name = extension.name;

-- name: missing_roles(names)
-- Statements that create those of the roles that the server lacks.
SELECT format('CREATE ROLE %I NOLOGIN', name) AS statement
FROM unnest(:names::text[]) AS wanted (name)
WHERE to_regrole(quote_ident(name)) IS NULL
ORDER BY name;

-- name: begin_restore()$
-- Background jobs stop, and TimescaleDB lets its catalog be written.
SELECT timescaledb_pre_restore();

-- name: end_restore()$
SELECT timescaledb_post_restore();
