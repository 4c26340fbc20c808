-- The sources of aggregates, readings and rollups, as one relation. A query restricts the source, so
-- that its plan has no scan of the others. A reading is a bucket of one sample. WHERE TRUE is needed:
-- without a WHERE the planner estimates a branch of UNION ALL that is a hypertable at one row.
CREATE OR REPLACE VIEW measured AS
-- include: source_rows(1h, readings_1h)
UNION ALL
-- include: source_rows(1d, readings_1d)
UNION ALL
SELECT
    'raw' AS source,
    equipment_id,
    ts,
    value AS total_value,
    1::bigint AS sample_count,
    value AS minimum,
    value AS maximum,
    value AS first,
    value AS last
FROM readings
WHERE TRUE;

COMMENT ON VIEW measured IS
'Rows of the source 1h or 1d, the rollups, or raw, the readings; ts is the start of a bucket.';

-- The same in two parts, for queries over much equipment: for hours that are not materialised yet, the
-- plans of the rollups expect few readings and sort them all, which takes seconds in a busy hour.
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

CREATE OR REPLACE VIEW materialised AS
-- include: source_rows(1h, materialised_1h)
WHERE TRUE
UNION ALL
-- include: source_rows(1d, materialised_1d)
WHERE TRUE
UNION ALL
SELECT
    source,
    -- include: bucket_columns(ts)
FROM measured
WHERE source = 'raw';

COMMENT ON VIEW materialised IS
'The rows of measured except those that unmaterialised() returns.';

-- First and last values are looked up by their timestamps: first() and last() take longer where readings
-- are many. Without the setting TimescaleDB checks before each look-up whether the chunk, mostly the only
-- one, can be excluded, which takes four times as long as the look-up.
CREATE OR REPLACE FUNCTION unmaterialised_hours(
    start timestamptz, stop timestamptz, patterns text[]
) RETURNS SETOF measured
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100
SET work_mem = '64MB'
SET "timescaledb.enable_runtime_exclusion" = 'off'
AS $$
DECLARE
    unmaterialised_start constant timestamptz = greatest(start, rollup_watermark('readings_1h'));
BEGIN
    IF unmaterialised_start >= stop THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH added AS (
        SELECT
            -- include: sums_of_readings(1 hour)
            min(ts) AS first_ts,
            max(ts) AS last_ts
        FROM readings
        WHERE
            (patterns = '{%}' OR equipment_id LIKE any(patterns))
            AND ts >= unmaterialised_start
            AND ts < stop
        GROUP BY equipment_id, time_bucket('1 hour', ts)
    )

    SELECT
        '1h',
        added.equipment_id,
        added.bucket,
        added.total_value,
        added.sample_count,
        added.minimum,
        added.maximum,
        earliest.value,
        latest.value
    FROM added
    CROSS JOIN LATERAL (
        SELECT value
        FROM readings
        WHERE
            equipment_id = added.equipment_id
            AND ts = added.first_ts
            AND ts >= unmaterialised_start -- excludes the chunks before it
            AND ts < stop
        LIMIT 1
    ) AS earliest
    CROSS JOIN LATERAL (
        SELECT value
        FROM readings
        WHERE
            equipment_id = added.equipment_id
            AND ts = added.last_ts
            AND ts >= unmaterialised_start
            AND ts < stop
        LIMIT 1
    ) AS latest;
END
$$;

CREATE OR REPLACE FUNCTION unmaterialised_days(
    start timestamptz, stop timestamptz, patterns text[]
) RETURNS SETOF measured
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100
AS $$
DECLARE
    unmaterialised_start constant timestamptz = greatest(start, rollup_watermark('readings_1d'));
BEGIN
    IF unmaterialised_start >= stop THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH hours AS (
        SELECT
            -- include: bucket_columns(ts)
        FROM materialised
        WHERE
            source = '1h'
            AND (patterns = '{%}' OR equipment_id LIKE any(patterns))
            AND ts >= unmaterialised_start
            AND ts < stop
        UNION ALL
        SELECT
            -- include: bucket_columns(ts)
        FROM unmaterialised_hours(unmaterialised_start, stop, patterns)
    )

    SELECT
        '1d',
        equipment_id,
        time_bucket('1 day', ts),
        sum(total_value),
        sum(sample_count)::bigint,
        min(minimum),
        max(maximum),
        first(first, ts),
        last(last, ts)
    FROM hours
    GROUP BY equipment_id, time_bucket('1 day', ts);
END
$$;

CREATE OR REPLACE FUNCTION unmaterialised(
    rollup text, start timestamptz, stop timestamptz, patterns text[]
) RETURNS SETOF measured
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT * FROM unmaterialised_hours(start, stop, patterns)
    WHERE rollup = '1h' AND cardinality(patterns) > 0
    UNION ALL
    SELECT * FROM unmaterialised_days(start, stop, patterns)
    WHERE rollup = '1d' AND cardinality(patterns) > 0
$$;

COMMENT ON FUNCTION unmaterialised IS
'The buckets of a rollup, 1h or 1d, that start in the range and are not materialised yet, of the '
'equipment LIKE one of the patterns. Of any other source: nothing.';
