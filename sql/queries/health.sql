-- name: schema_revision$
-- The migration revision the database is at.
SELECT version_num FROM alembic_version;
