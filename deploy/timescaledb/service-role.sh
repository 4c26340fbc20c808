# Run by the image's entry point when the database is first started: the login of the API and the
# worker. Running it again sets the password again.
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
    --set password="$SERVICE_DATABASE_PASSWORD" <<'SQL'
SELECT 'CREATE ROLE sensorflow_app NOLOGIN NOINHERIT' WHERE to_regrole('sensorflow_app') IS NULL \gexec
SELECT 'CREATE ROLE sensorflow_service LOGIN' WHERE to_regrole('sensorflow_service') IS NULL \gexec
ALTER ROLE sensorflow_service PASSWORD :'password';
GRANT sensorflow_app TO sensorflow_service;
SQL
