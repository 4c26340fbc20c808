-- What BI tools read. Columns are a contract: add new ones at the end, never rename. The logins may not
-- look up names in the schema public, so what a function's body names there is resolved when it is
-- created: RETURN or BEGIN ATOMIC, not a string.

CREATE SCHEMA IF NOT EXISTS bi;
COMMENT ON SCHEMA bi IS 'Sensor Flow, version 1 of the views for BI tools. Read only.';

CREATE OR REPLACE VIEW bi.readings AS
SELECT
    readings.ts AS time,
    readings.equipment_id,
    readings.value,
    readings.register_time,
    described.name,
    described.unit,
    described.location
FROM public.readings
LEFT JOIN public.equipment AS described ON readings.equipment_id = described.id;

COMMENT ON VIEW bi.readings IS 'Every stored reading. Always restrict time.';
COMMENT ON COLUMN bi.readings.time IS 'When it was measured.';
COMMENT ON COLUMN bi.readings.equipment_id IS 'The id of the equipment, as it sends it.';
COMMENT ON COLUMN bi.readings.value IS 'The measured value, in the unit of the equipment.';
COMMENT ON COLUMN bi.readings.register_time IS 'When it was first stored here, or last replaced.';
-- include: bi_description_comments(readings)

-- include: bi_rollup(readings_1h, current_1h, hour)

-- include: bi_rollup(readings_1d, current_1d, day)

CREATE OR REPLACE VIEW bi.equipment AS
SELECT
    known.equipment_id,
    earliest.ts AS first_time,
    latest.ts AS last_time,
    latest.value AS last_value,
    known.sample_count,
    known.name,
    known.unit,
    known.location,
    known.zone,
    known.expected_period_seconds,
    now() - latest.ts AS silent_for
FROM (
    SELECT
        coalesce(counted.equipment_id, described.id) AS equipment_id,
        coalesce(counted.sample_count, 0) AS sample_count,
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
    ) AS counted
    FULL JOIN public.equipment AS described ON counted.equipment_id = described.id
) AS known
LEFT JOIN LATERAL (
    SELECT readings.ts
    FROM public.readings
    WHERE readings.equipment_id = known.equipment_id
    ORDER BY readings.ts LIMIT 1
) AS earliest ON TRUE
LEFT JOIN LATERAL (
    SELECT
        readings.ts,
        readings.value
    FROM public.readings
    WHERE readings.equipment_id = known.equipment_id
    ORDER BY readings.ts DESC LIMIT 1
) AS latest ON TRUE;

COMMENT ON VIEW bi.equipment IS
'Every piece of equipment that has sent a reading or that people have described.';
COMMENT ON COLUMN bi.equipment.equipment_id IS 'The id of the equipment, as it sends it.';
COMMENT ON COLUMN bi.equipment.first_time IS
'When its first reading was measured; null if it has never sent one.';
COMMENT ON COLUMN bi.equipment.last_time IS
'When its last reading was measured; null if it has never sent one.';
COMMENT ON COLUMN bi.equipment.last_value IS
'The value of its last reading, in its unit; null if it has never sent one.';
COMMENT ON COLUMN bi.equipment.sample_count IS
'The number of its readings; 0 if it has never sent one.';
-- include: bi_description_comments(equipment)
COMMENT ON COLUMN bi.equipment.zone IS
'The time zone where it is, of the IANA database; null where nobody said.';
COMMENT ON COLUMN bi.equipment.expected_period_seconds IS
'How often a reading is expected, in seconds; null where nobody said.';
COMMENT ON COLUMN bi.equipment.silent_for IS
'How long ago its last reading was measured; null if it has never sent one.';
