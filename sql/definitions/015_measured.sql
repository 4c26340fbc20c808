-- The sources of aggregates, readings and rollups, as one relation. A query restricts the source, so
-- that its plan has no scan of the others. A reading is a bucket of one sample. WHERE TRUE is needed:
-- without a WHERE the planner estimates a branch of UNION ALL that is a hypertable at one row.
CREATE OR REPLACE VIEW measured AS
-- include: source_rows(1h, current_1h)
UNION ALL
-- include: source_rows(1d, current_1d)
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

-- The same in two parts, as the API reads it: a plan of one of the views over current_1h does not know
-- how little lies past the watermark.
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
CREATE OR REPLACE FUNCTION hours_of_readings(
    start timestamptz, stop timestamptz, patterns text[]
) RETURNS SETOF hour_pieces
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100
SET work_mem = '64MB'
SET "timescaledb.enable_runtime_exclusion" = 'off'
AS $$
BEGIN
    RETURN QUERY
    WITH added AS (
        SELECT
            -- include: sums_of_readings(1 hour)
            min(ts) AS first_ts,
            max(ts) AS last_ts
        FROM readings
        WHERE
            (patterns = '{%}' OR equipment_id LIKE any(patterns))
            AND ts >= start
            AND ts < stop
        GROUP BY equipment_id, time_bucket('1 hour', ts)
    )

    SELECT
        added.equipment_id,
        added.bucket,
        added.first_ts,
        added.last_ts,
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
            AND ts >= start -- excludes the chunks before it
            AND ts < stop
        LIMIT 1
    ) AS earliest
    CROSS JOIN LATERAL (
        SELECT value
        FROM readings
        WHERE
            equipment_id = added.equipment_id
            AND ts = added.last_ts
            AND ts >= start
            AND ts < stop
        LIMIT 1
    ) AS latest;
END
$$;

COMMENT ON FUNCTION hours_of_readings IS
'The readings in the range, of the equipment LIKE one of the patterns, added up by hours.';

-- Called for every request that names ids. Planning takes longer than execution, hence the generic plan. It
-- knows neither how many ids there are nor how many rows: so ids are looked up one at a time, and pending
-- readings are found in a hash table of the ids, as in aggregate_state.
CREATE OR REPLACE FUNCTION unmaterialised_hours_of_ids(
    start timestamptz, stop timestamptz, ids text[]
) RETURNS SETOF measured
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100
SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
    seam partial_hours_seam;
BEGIN
    SELECT * INTO STRICT seam FROM partial_hours_seam;
    IF stop <= seam.hours_end THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH pieces AS (
        SELECT partial.*
        FROM unnest(ids) AS given (id)
        CROSS JOIN LATERAL (
            SELECT
                -- include: piece_columns()
            FROM partial_hours
            WHERE
                equipment_id = given.id
                AND bucket >= greatest(start, seam.hours_end)
                AND bucket < least(stop, seam.end_ts)
            OFFSET 0
        ) AS partial
        UNION ALL
        SELECT
            -- include: reading_as_piece(pending_readings)
        FROM pending_readings
        WHERE
            value IS NOT NULL
            AND (equipment_id IN (SELECT unnest(ids))) IS TRUE
            AND ts >= greatest(start, seam.hours_end)
            AND ts < least(stop, seam.end_ts)
        UNION ALL
        SELECT recent.*
        FROM unnest(ids) AS given (id)
        CROSS JOIN LATERAL (
            SELECT
                -- include: reading_as_piece(readings)
            FROM readings
            WHERE
                equipment_id = given.id
                AND ts >= greatest(start, seam.end_ts)
                AND ts < stop
            OFFSET 0
        ) AS recent
    )

    SELECT
        '1h',
        equipment_id,
        bucket,
        -- include: sums_of_pieces()
    FROM pieces
    GROUP BY equipment_id, bucket;
END
$$;

COMMENT ON FUNCTION unmaterialised_hours_of_ids IS
'The rows of hour_pieces in a range of whole hours, added up, of the equipment with the ids.';

CREATE OR REPLACE FUNCTION unmaterialised_hours(
    start timestamptz, stop timestamptz, patterns text[], ids text[]
) RETURNS SETOF measured
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100
SET work_mem = '64MB'
AS $$
DECLARE
    seam partial_hours_seam;
BEGIN
    SELECT * INTO STRICT seam FROM partial_hours_seam;
    IF stop <= seam.hours_end THEN
        RETURN;
    END IF;
    IF cardinality(patterns) > 0 THEN
        RETURN QUERY
        WITH pieces AS (
            SELECT
                -- include: piece_columns()
            FROM partial_hours
            WHERE
                (patterns = '{%}' OR equipment_id LIKE any(patterns))
                AND bucket >= greatest(start, seam.hours_end)
                AND bucket < least(stop, seam.end_ts)
            UNION ALL
            SELECT
                -- include: reading_as_piece(pending_readings)
            FROM pending_readings
            WHERE
                value IS NOT NULL
                AND (patterns = '{%}' OR equipment_id LIKE any(patterns))
                AND ts >= greatest(start, seam.hours_end)
                AND ts < least(stop, seam.end_ts)
            UNION ALL
            SELECT
                -- include: piece_columns()
            FROM hours_of_readings(greatest(start, seam.end_ts), stop, patterns)
        )

        SELECT
            '1h',
            equipment_id,
            bucket,
            -- include: sums_of_pieces()
        FROM pieces
        GROUP BY equipment_id, bucket;
    END IF;
    IF cardinality(ids) > 0 THEN
        RETURN QUERY
        SELECT * FROM unmaterialised_hours_of_ids(start, stop, ids);
    END IF;
END
$$;

COMMENT ON FUNCTION unmaterialised_hours IS
'The rows of hour_pieces in a range of whole hours, added up: of the equipment LIKE one of the '
'patterns and of that with one of the ids, which no pattern matches.';

CREATE OR REPLACE FUNCTION unmaterialised_days(
    start timestamptz, stop timestamptz, patterns text[], ids text[]
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
            AND cardinality(patterns) > 0
            AND (patterns = '{%}' OR equipment_id LIKE any(patterns))
            AND ts >= unmaterialised_start
            AND ts < stop
        UNION ALL
        SELECT of_id.*
        FROM unnest(ids) AS given (id)
        CROSS JOIN LATERAL (
            SELECT
                -- include: bucket_columns(ts)
            FROM materialised
            WHERE
                source = '1h'
                AND equipment_id = given.id
                AND ts >= unmaterialised_start
                AND ts < stop
            OFFSET 0
        ) AS of_id
        UNION ALL
        SELECT
            -- include: bucket_columns(ts)
        FROM unmaterialised_hours(unmaterialised_start, stop, patterns, ids)
    )

    SELECT
        '1d',
        equipment_id,
        time_bucket('1 day', ts),
        -- include: sums_of_hours(ts)
    FROM hours
    GROUP BY equipment_id, time_bucket('1 day', ts);
END
$$;

CREATE OR REPLACE FUNCTION unmaterialised(
    rollup text, start timestamptz, stop timestamptz, patterns text[], ids text[]
) RETURNS SETOF measured
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT * FROM unmaterialised_hours(start, stop, patterns, ids)
    WHERE rollup = '1h'
    UNION ALL
    SELECT * FROM unmaterialised_days(start, stop, patterns, ids)
    WHERE rollup = '1d'
$$;

COMMENT ON FUNCTION unmaterialised IS
'The buckets of a rollup, 1h or 1d, that start in the range and are not materialised yet, of the '
'equipment LIKE one of the patterns or with one of the ids. Of any other source: nothing.';
