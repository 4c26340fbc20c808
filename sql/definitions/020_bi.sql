-- What BI tools read. Columns are a contract: add new ones at the end, never rename.

CREATE SCHEMA IF NOT EXISTS bi;
COMMENT ON SCHEMA bi IS 'Sensor Flow, version 1 of the views for BI tools. Read only.';

CREATE OR REPLACE VIEW bi.readings AS
SELECT
    ts AS time,
    equipment_id,
    value,
    register_time
FROM public.readings;

COMMENT ON VIEW bi.readings IS 'Every stored reading. Always restrict time.';
COMMENT ON COLUMN bi.readings.time IS 'When it was measured.';
COMMENT ON COLUMN bi.readings.register_time IS 'When it was first stored here, or last replaced.';

CREATE OR REPLACE VIEW bi.readings_1h AS
SELECT
    bucket AS time,
    equipment_id,
    -- include: bucket_values_with_average()
FROM public.current_1h;

COMMENT ON VIEW bi.readings_1h IS
'One row an equipment and UTC hour. time is the start of the hour.';
COMMENT ON COLUMN bi.readings_1h.average IS
'total_value / sample_count. To average over rows: sum(total_value) / sum(sample_count).';

CREATE OR REPLACE VIEW bi.readings_1d AS
SELECT
    bucket AS time,
    equipment_id,
    -- include: bucket_values_with_average()
FROM public.current_1d;

COMMENT ON VIEW bi.readings_1d IS
'One row an equipment and UTC day. time is the start of the day.';
COMMENT ON COLUMN bi.readings_1d.average IS
'total_value / sample_count. To average over rows: sum(total_value) / sum(sample_count).';

CREATE OR REPLACE VIEW bi.equipment AS
SELECT
    known.equipment_id,
    earliest.ts AS first_time,
    latest.ts AS last_time,
    latest.value AS last_value,
    known.sample_count,
    described.name,
    described.unit,
    described.location,
    described.zone,
    described.expected_period_seconds
FROM (
    SELECT
        days.equipment_id,
        sum(days.sample_count)::bigint AS sample_count
    FROM public.current_1d AS days
    GROUP BY days.equipment_id
) AS known
-- include: earliest_and_latest(public.readings)
LEFT JOIN public.equipment AS described ON known.equipment_id = described.id;

COMMENT ON VIEW bi.equipment IS
'Every piece of equipment that has sent a reading, and what people say of it.';
COMMENT ON COLUMN bi.equipment.zone IS 'A time zone of the IANA database.';
COMMENT ON COLUMN bi.equipment.expected_period_seconds IS
'How often a reading is expected; null where nobody said.';
