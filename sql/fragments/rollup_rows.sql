-- Rows of the rollups.

-- fragment: source_rows(source, relation)
-- A rollup as a source of the views measured and materialised.
SELECT
    '{source}' AS source,
    -- include: bucket_columns(bucket AS ts)
FROM {relation}

-- fragment: rollup_rows(columns)
-- The rows of :source that start in [:start, :stop), of equipment LIKE :patterns and of the :ids.
-- include: materialised_rows({columns})
UNION ALL
-- include: materialised_rows_of_ids({columns})
UNION ALL
-- include: unmaterialised_rows({columns})

-- fragment: materialised_rows(columns)
-- The first branch of rollup_rows. More conditions may follow.
SELECT
    -- include: {columns}
FROM materialised
WHERE
    source = :source
    AND cardinality(:patterns::text[]) > 0
    AND (:patterns = '{%}' OR equipment_id LIKE any(:patterns))
    AND ts >= :start
    AND ts < :stop

-- fragment: materialised_rows_of_ids(columns)
-- The second branch of rollup_rows: an id at a time, for which there is only one good plan.
SELECT of_id.*
FROM unnest(:ids::text[]) AS given (wanted_id)
CROSS JOIN LATERAL ( -- noqa: ST05
    SELECT
        -- include: {columns}
    FROM materialised
    WHERE source = :source AND equipment_id = wanted_id AND ts >= :start AND ts < :stop
    OFFSET 0 -- noqa: AM09
) AS of_id

-- fragment: unmaterialised_rows(columns)
-- The third branch of rollup_rows. A WHERE may follow.
SELECT
    -- include: {columns}
FROM unmaterialised(:source, :start, :stop, :patterns, :ids)

-- fragment: edge_readings()
-- Readings between the edges. The conditions on equipment and time follow.
SELECT
    measured.equipment_id,
    measured.ts,
    measured.total_value,
    measured.sample_count,
    measured.minimum,
    measured.maximum,
    measured.first,
    measured.last
FROM edge
INNER JOIN measured ON edge.start <= measured.ts AND edge.stop > measured.ts
WHERE
    measured.source = 'raw'
    AND cardinality(:edge_starts::timestamptz[]) > 0

-- fragment: hours_of_ids()
-- All hours of the :ids that start in [:start, :stop). The subquery hides from the planner how few the
-- ids are. Otherwise it makes a custom plan each time, which for one id over a day takes three times as
-- long as the execution.
SELECT of_id.*
FROM unnest((SELECT :ids::text[])) AS given (wanted_id)
CROSS JOIN LATERAL ( -- noqa: ST05
    SELECT
        -- include: bucket_columns(bucket)
    FROM materialised_1h
    WHERE equipment_id = wanted_id AND bucket >= :start AND bucket < :stop
    OFFSET 0 -- noqa: AM09
) AS of_id
UNION ALL
SELECT
    -- include: bucket_columns(ts)
FROM unmaterialised_hours_of_ids(:start, :stop, :ids)

-- fragment: rollup_together(materialised, unmaterialised)
-- The buckets of a rollup, each summed up over equipment. Its tables are named, not selected from the
-- view of all sources, and ids are not looked up one at a time: only so are large ranges read in parallel.
WITH piece AS (
    SELECT
        -- include: columns_without_equipment(bucket AS ts)
    FROM {materialised}
    WHERE
        cardinality(:patterns::text[]) > 0
        AND (:patterns = '{%}' OR equipment_id LIKE any(:patterns))
        AND bucket >= :start
        AND bucket < :stop
    UNION ALL
    SELECT
        -- include: columns_without_equipment(bucket AS ts)
    FROM {materialised}
    WHERE equipment_id = any(:ids) AND bucket >= :start AND bucket < :stop
    UNION ALL
    SELECT
        -- include: columns_without_equipment(ts)
    FROM {unmaterialised}(:start, :stop, :patterns, :ids)
)

SELECT
    NULL AS equipment_id,
    date_part('epoch', ts)::bigint AS interval_start,
    sum(total_value) AS total_value,
    sum(sample_count)::bigint AS sample_count,
    sum(total_value) / sum(sample_count) AS average,
    min(minimum) AS minimum,
    max(maximum) AS maximum,
    NULL AS first,
    NULL AS last
FROM piece
GROUP BY ts
ORDER BY ts
LIMIT :row_limit;
