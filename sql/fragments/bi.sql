-- The views of the schema bi.

-- fragment: bi_description_comments(view)
-- What people say of the equipment, beside its numbers. The left join for it is on a primary key, so the
-- planner leaves it out of a query that names none of these columns.
COMMENT ON COLUMN bi.{view}.name IS 'What people call the equipment; null where nobody said.';
COMMENT ON COLUMN bi.{view}.unit IS
'The unit of the values, as people said, such as °C or bar; null where nobody said.';
COMMENT ON COLUMN bi.{view}.location IS 'Where the equipment is; null where nobody said.';

-- fragment: bi_statistics_comments(view)
-- The columns that every view of aggregates has.
COMMENT ON COLUMN bi.{view}.equipment_id IS 'The id of the equipment, as it sends it.';
COMMENT ON COLUMN bi.{view}.total_value IS
'The sum of the values, in the unit of the equipment. Adds up over rows.';
COMMENT ON COLUMN bi.{view}.sample_count IS 'The number of readings. Adds up over rows.';
COMMENT ON COLUMN bi.{view}.average IS
'total_value / sample_count. To average over rows: sum(total_value) / sum(sample_count).';
COMMENT ON COLUMN bi.{view}.minimum IS 'The least value, in the unit of the equipment.';
COMMENT ON COLUMN bi.{view}.maximum IS 'The greatest value, in the unit of the equipment.';
COMMENT ON COLUMN bi.{view}.first IS 'The earliest value, in the unit of the equipment.';
COMMENT ON COLUMN bi.{view}.last IS 'The latest value, in the unit of the equipment.';

-- fragment: bi_rollup(view, source, bucket)
-- A rollup as a view, with its comments.
CREATE OR REPLACE VIEW bi.{view} AS
SELECT
    rollup.bucket AS time,
    rollup.equipment_id,
    rollup.total_value,
    rollup.sample_count,
    rollup.total_value / rollup.sample_count AS average,
    rollup.minimum,
    rollup.maximum,
    rollup.first,
    rollup.last,
    described.name,
    described.unit,
    described.location
FROM public.{source} AS rollup
LEFT JOIN public.equipment AS described ON rollup.equipment_id = described.id;

COMMENT ON VIEW bi.{view} IS
'One row an equipment and UTC {bucket} that has readings. Always restrict time.';
COMMENT ON COLUMN bi.{view}.time IS 'The start of the {bucket}, UTC.';
-- include: bi_statistics_comments({view})
-- include: bi_description_comments({view})

-- fragment: window_hours(hours)
-- A short window, hour by hour.
SELECT
    -- include: bucket_columns(bucket)
FROM public.current_1h
WHERE
    bucket >= public.running_hour_end() - '{hours} hours'::interval
    AND bucket < public.running_hour_end()

-- fragment: window_days_and_hours(hours)
-- A long window: whole UTC days, and the hours at its ends, as the API adds up its totals.
SELECT
    -- include: bucket_columns(bucket)
FROM public.current_1h
WHERE
    bucket >= public.running_hour_end() - '{hours} hours'::interval
    AND bucket < public.next_day_start(public.running_hour_end() - '{hours} hours'::interval)
UNION ALL
SELECT
    -- include: bucket_columns(bucket)
FROM public.current_1d
WHERE
    bucket >= public.next_day_start(public.running_hour_end() - '{hours} hours'::interval)
    AND bucket < public.day_start(public.running_hour_end())
UNION ALL
SELECT
    -- include: bucket_columns(bucket)
FROM public.current_1h
WHERE
    bucket >= public.day_start(public.running_hour_end())
    AND bucket < public.running_hour_end()

-- fragment: bi_window(view, hours, pieces)
-- A window, with its comments. The planner knows now(), so that it reads no other chunks.
CREATE OR REPLACE VIEW bi.{view} AS
WITH piece AS (
    -- include: {pieces}
),

summed AS (
    SELECT
        equipment_id,
        -- include: sums_of_hours(bucket)
    FROM piece
    GROUP BY equipment_id
)

SELECT
    summed.equipment_id,
    summed.total_value / summed.sample_count AS average,
    summed.total_value,
    summed.sample_count,
    summed.minimum,
    summed.maximum,
    summed.first,
    summed.last,
    described.name,
    described.unit,
    described.location,
    public.running_hour_end() - '{hours} hours'::interval AS start_time,
    public.running_hour_end() AS end_time
FROM summed
LEFT JOIN public.equipment AS described ON summed.equipment_id = described.id;

COMMENT ON VIEW bi.{view} IS
'One row an equipment with readings in the last {hours} UTC hours, the running one included: '
'the hours of the API''s interval of this name. The hour that the start cuts is left out.';
-- include: bi_statistics_comments({view})
-- include: bi_description_comments({view})
COMMENT ON COLUMN bi.{view}.start_time IS 'The start of the first hour of the window.';
COMMENT ON COLUMN bi.{view}.end_time IS
'The end of the running hour, {hours} hours after start_time; readings after it do not count.';
