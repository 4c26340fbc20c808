-- The role sensorflow_bi reads the bi views and nothing else. Grant it to the tools' own users:
-- GRANT sensorflow_bi TO grafana;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sensorflow_bi') THEN
        CREATE ROLE sensorflow_bi NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object THEN NULL; -- a migration of another database of this server created it
END
$$;

GRANT USAGE ON SCHEMA bi TO sensorflow_bi;
GRANT SELECT ON ALL TABLES IN SCHEMA bi TO sensorflow_bi;
