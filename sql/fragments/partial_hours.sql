-- Hours in pieces: what an hour of an equipment holds of some of its readings.

-- fragment: piece_columns()
-- A piece.
equipment_id,
bucket,
first_ts,
last_ts,
-- include: bucket_values()

-- fragment: reading_as_piece(readings)
-- One reading as a piece.
{readings}.equipment_id,
time_bucket('1 hour', {readings}.ts) AS bucket,
{readings}.ts AS first_ts,
{readings}.ts AS last_ts,
{readings}.value AS total_value,
1::bigint AS sample_count,
{readings}.value AS minimum,
{readings}.value AS maximum,
{readings}.value AS first,
{readings}.value AS last

-- fragment: readings_as_piece()
-- Readings grouped by equipment and hour as pieces.
readings.equipment_id,
time_bucket('1 hour', readings.ts) AS bucket,
min(readings.ts) AS first_ts,
max(readings.ts) AS last_ts,
sum(readings.value) AS total_value,
count(*) AS sample_count,
min(readings.value) AS minimum,
max(readings.value) AS maximum,
first(readings.value, readings.ts) AS first,
last(readings.value, readings.ts) AS last

-- fragment: hours_to_recount()
-- The hours of equipment in which pending readings replaced others.
SELECT DISTINCT
    pending_readings.equipment_id,
    time_bucket('1 hour', pending_readings.ts) AS bucket
FROM pending_readings
WHERE
    pending_readings.value IS NULL
    AND pending_readings.ts >= :start_ts
    AND pending_readings.ts < :end_ts

-- fragment: partial_hours_state()
-- Up to where readings are rolled forward, null while none are; and the pending readings, of which
-- :row_limit are counted.
SELECT
    CASE
        WHEN covered.start_ts > '-infinity' THEN greatest(covered.end_ts, seam.hours_end)
    END AS end_ts,
    (
        SELECT count(*)
        FROM (
            SELECT FROM pending_readings
            WHERE equipment_id <> ''
            LIMIT :row_limit -- noqa: AM09
        ) AS counted
    ) AS pending_readings
FROM partial_hours_range AS covered
CROSS JOIN partial_hours_seam AS seam

-- fragment: sums_of_pieces()
-- What pieces of the same bucket hold together.
sum(total_value) AS total_value,
sum(sample_count)::bigint AS sample_count,
min(minimum) AS minimum,
max(maximum) AS maximum,
first(first, first_ts) AS first,
last(last, last_ts) AS last

-- fragment: sums_of_hours(start)
-- What the hours of a day hold together.
sum(total_value) AS total_value,
sum(sample_count)::bigint AS sample_count,
min(minimum) AS minimum,
max(maximum) AS maximum,
first(first, {start}) AS first,
last(last, {start}) AS last
