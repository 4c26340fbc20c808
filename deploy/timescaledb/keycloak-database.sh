# Sourced by the image's entry point when the database is first started: Keycloak's own database.
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
    --set password="$KEYCLOAK_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE keycloak LOGIN PASSWORD :'password';
-- template1 carries the TimescaleDB extension, which Keycloak has no use for.
CREATE DATABASE keycloak OWNER keycloak TEMPLATE template0;
-- No login of another database, such as that of a BI tool, has anything to do in it.
REVOKE ALL ON DATABASE keycloak FROM PUBLIC;
SQL
