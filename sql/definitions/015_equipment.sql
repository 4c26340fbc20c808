-- The ids of equipment and its facts, without a scan of the history.

-- The table of the materialised days is small and has an index by equipment, so a skip scan finds the
-- ids. The planner skips only in the table itself, whose name TimescaleDB generates; hence the dynamic
-- statement. Newer ids are in the chunks past the watermark. They are read from the start of a chunk:
-- a timestamp inside it would be filtered row by row. OFFSET 0 keeps the patterns out of the skip
-- scans, which would otherwise read every row of an id that matches none.
--
-- The ids are in code point order, as in every list, but the index is in the order of the database's
-- collation. Where that is the same order, the scans start at after. Elsewhere every page skips
-- through all ids that are not before the prefixes and sorts them: with 30,000 ids 0.2 s, not 3 ms.
CREATE OR REPLACE FUNCTION known_equipment(
    ids text[], prefixes text[], patterns text[], after text, row_limit bigint
) RETURNS SETOF text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    materialised_days text;
    in_code_point_order constant boolean = 'B' < '_' AND '_' < 'a';
    watermark constant timestamptz = rollup_watermark('readings_1d');
BEGIN
    SELECT
        format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)
        INTO STRICT materialised_days
    FROM timescaledb_information.continuous_aggregates
    WHERE view_name = 'readings_1d';

    RETURN QUERY EXECUTE format(
        $query$
        (
            SELECT equipment_id COLLATE %2$s AS equipment_id FROM (
                SELECT DISTINCT equipment_id
                FROM %1$s
                WHERE cardinality($3) > 0 AND equipment_id >= $2
                ORDER BY equipment_id OFFSET 0
            ) AS materialised_ids
            WHERE equipment_id COLLATE %2$s > $1 AND equipment_id LIKE any($3)
            ORDER BY equipment_id LIMIT $4
        )
        UNION
        (
            SELECT equipment_id COLLATE %2$s AS equipment_id FROM (
                SELECT DISTINCT equipment_id
                FROM readings
                WHERE cardinality($3) > 0 AND equipment_id >= $2 AND ts >= $5
                ORDER BY equipment_id OFFSET 0
            ) AS newer_ids
            WHERE equipment_id COLLATE %2$s > $1 AND equipment_id LIKE any($3)
            ORDER BY equipment_id LIMIT $4
        )
        UNION
        SELECT id COLLATE %2$s
        FROM unnest($6) AS named (id)
        WHERE id COLLATE %2$s > $1 AND EXISTS (SELECT FROM readings WHERE readings.equipment_id = id)
        ORDER BY equipment_id
        LIMIT $4
        $query$,
        materialised_days,
        CASE WHEN in_code_point_order THEN '"default"' ELSE '"C"' END
    )
    USING
        after,
        greatest(
            (SELECT min(prefix) FROM unnest(prefixes) AS given (prefix)),
            CASE WHEN in_code_point_order THEN after ELSE '' END
        ),
        patterns,
        row_limit,
        (
            SELECT min(range_start)
            FROM timescaledb_information.chunks
            WHERE hypertable_name = 'readings' AND range_end > watermark
        ),
        ids;
END
$$;

COMMENT ON FUNCTION known_equipment IS
'The first ids ordered after the parameter after, of ids and of those LIKE one of the patterns. New
ids that have sent only late readings are included once their rollup_dirty_ranges are refreshed.';

CREATE OR REPLACE FUNCTION equipment_facts(ids text[])
RETURNS TABLE (
    equipment_id text,
    first_time timestamptz,
    last_time timestamptz,
    last_value double precision,
    sample_count bigint
)
LANGUAGE sql STABLE
AS $$
    SELECT
        known.equipment_id,
        earliest.ts AS first_time,
        latest.ts AS last_time,
        latest.value AS last_value,
        coalesce(counted.sample_count, 0) AS sample_count
    FROM unnest(ids) AS known (equipment_id)
    -- include: earliest_and_latest(readings)
    LEFT JOIN (
        SELECT
            days.equipment_id,
            sum(days.sample_count)::bigint AS sample_count
        FROM current_1d AS days
        WHERE days.equipment_id = any(ids)
        GROUP BY days.equipment_id
    ) AS counted ON known.equipment_id = counted.equipment_id
$$;

COMMENT ON FUNCTION equipment_facts IS
'First and last are read from the readings, so never stale; the count is of the rollup.';
