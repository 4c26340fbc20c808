-- The rollups up to their watermarks. The names of these tables are TimescaleDB's.
DO $$
DECLARE
    rollup record;
BEGIN
    FOR rollup IN
        SELECT
            view_name,
            materialization_hypertable_schema AS table_schema,
            materialization_hypertable_name AS table_name
        FROM timescaledb_information.continuous_aggregates
        WHERE view_schema = 'public' AND view_name IN ('readings_1h', 'readings_1d')
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE VIEW %I AS
            SELECT
                equipment_id, bucket, total_value, sample_count, minimum, maximum, first, last
            FROM %I.%I',
            'materialised_' || right(rollup.view_name, 2), rollup.table_schema, rollup.table_name
        );
    END LOOP;
END
$$;

COMMENT ON VIEW materialised_1h IS 'The buckets of readings_1h up to its watermark.';
COMMENT ON VIEW materialised_1d IS 'The buckets of readings_1d up to its watermark.';
