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
