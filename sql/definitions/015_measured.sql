-- Readings and both rollups as one relation: what aggregates are put together from. A query names
-- its sources, so that a plan holds nothing of the others. A reading is a bucket of one sample.
CREATE OR REPLACE VIEW measured AS
SELECT
    '1h' AS source,
    equipment_id,
    bucket AS ts,
    total_value,
    sample_count,
    minimum,
    maximum,
    first,
    last
FROM readings_1h
UNION ALL
SELECT
    '1d' AS source,
    equipment_id,
    bucket AS ts,
    total_value,
    sample_count,
    minimum,
    maximum,
    first,
    last
FROM readings_1d
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
FROM readings;

COMMENT ON VIEW measured IS
'Rows of the source 1h or 1d, the rollups, or raw, the readings; ts is the start of a bucket.';
