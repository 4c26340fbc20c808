-- Rows of the rollups.

-- fragment: source_rows(source, relation)
-- A rollup as a source of the views measured and materialised.
SELECT
    '{source}' AS source,
    -- include: bucket_columns(bucket AS ts)
FROM {relation}

-- fragment: rollup_rows(columns)
-- The rows of :source that start in [:start, :stop): of equipment LIKE :patterns the materialised
-- ones and then the others, and all rows of the :ids.
-- include: materialised_rows({columns})
UNION ALL
-- include: unmaterialised_rows({columns})
UNION ALL
SELECT
    -- include: {columns}
FROM measured
WHERE source = :source AND equipment_id = any(:ids) AND ts >= :start AND ts < :stop

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

-- fragment: unmaterialised_rows(columns)
-- The second branch of rollup_rows. A WHERE may follow.
SELECT
    -- include: {columns}
FROM unmaterialised(:source, :start, :stop, :patterns)

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

-- fragment: page_of_hours(rollup, chosen)
-- A page of the hourly rollup, of equipment that meets a condition.
SELECT
    -- include: result_columns(bucket)
FROM {rollup}
WHERE
    {chosen}
    AND bucket >= :start
    AND bucket < :stop
    AND (bucket >= :resume OR equipment_id COLLATE "C" > :after_id)
ORDER BY bucket, equipment_id COLLATE "C"
LIMIT :row_limit;
