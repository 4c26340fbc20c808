-- The rollups with what they have not materialised yet. readings_1h and readings_1d have it too, but
-- they add up each raw reading of it; here most of it is in partial_hours, which the worker rolls
-- forward every few seconds: docs/decisions/0009-partial-hours.md.

-- Everything is of one snapshot. Of the readings from hours_end, the watermark, on, those before end_ts
-- are in partial_hours or in pending_readings; the others are read themselves. The two are the same
-- where nothing is rolled forward, and where that began with a later hour than the watermark, as in
-- the first hours of a system.
CREATE OR REPLACE VIEW partial_hours_seam AS
SELECT
    materialised.hours_end,
    CASE
        WHEN covered.start_ts <= materialised.hours_end
            THEN greatest(covered.end_ts, materialised.hours_end)
        ELSE materialised.hours_end
    END AS end_ts
FROM partial_hours_range AS covered
CROSS JOIN rollup_watermark('readings_1h') AS materialised (hours_end);

COMMENT ON VIEW partial_hours_seam IS
'Up to where readings_1h is materialised, and up to where partial_hours goes on from there.';

-- The upper bound of readings is for the planner, which expects a third of all readings past a lower
-- bound that it does not know, and would rather read the whole chunk than use an index.
CREATE OR REPLACE VIEW hour_pieces AS
WITH seam AS MATERIALIZED (
    SELECT
        hours_end,
        end_ts,
        'infinity'::timestamptz AS unbounded
    FROM partial_hours_seam
)

SELECT
    -- include: piece_columns()
FROM partial_hours
WHERE
    bucket >= (SELECT seam.hours_end FROM seam)
    AND bucket < (SELECT seam.end_ts FROM seam)
UNION ALL
SELECT
    -- include: reading_as_piece(pending_readings)
FROM pending_readings
WHERE
    value IS NOT NULL
    AND ts >= (SELECT seam.hours_end FROM seam)
    AND ts < (SELECT seam.end_ts FROM seam)
UNION ALL
SELECT
    -- include: reading_as_piece(readings)
FROM readings
WHERE
    ts >= (SELECT seam.end_ts FROM seam)
    AND ts < (SELECT seam.unbounded FROM seam);

COMMENT ON VIEW hour_pieces IS
'What readings_1h has not materialised yet; an hour of an equipment is the sum of its rows.';

CREATE OR REPLACE VIEW current_1h AS
SELECT
    -- include: bucket_columns(bucket)
FROM materialised_1h
WHERE TRUE
UNION ALL
SELECT
    equipment_id,
    bucket,
    -- include: sums_of_pieces()
FROM hour_pieces
GROUP BY equipment_id, bucket;

COMMENT ON VIEW current_1h IS 'One row an equipment and UTC hour that has readings.';

CREATE OR REPLACE VIEW current_1d AS
SELECT
    -- include: bucket_columns(bucket)
FROM materialised_1d
WHERE TRUE
UNION ALL
SELECT
    equipment_id,
    time_bucket('1 day', bucket) AS bucket,
    -- include: sums_of_hours(bucket)
FROM current_1h
WHERE bucket >= (SELECT rollup_watermark('readings_1d'))
GROUP BY equipment_id, time_bucket('1 day', bucket);

COMMENT ON VIEW current_1d IS 'One row an equipment and UTC day that has readings.';
