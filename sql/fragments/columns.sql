-- Lists of columns.

-- fragment: bucket_values()
-- What a bucket holds of its samples.
total_value,
sample_count,
minimum,
maximum,
first,
last

-- fragment: bucket_values_with_average()
-- The same with the average, which no table stores.
total_value,
sample_count,
total_value / sample_count AS average,
minimum,
maximum,
first,
last

-- fragment: bucket_columns(start)
-- A bucket of one piece of equipment.
equipment_id,
{start},
-- include: bucket_values()

-- fragment: columns_without_equipment(start)
-- What can be summed up over all equipment.
{start},
total_value,
sample_count,
minimum,
maximum

-- fragment: total_columns()
-- What is summed up over equipment and time.
total_value,
sample_count

-- fragment: result_columns(start)
-- A row of a page of aggregates.
equipment_id,
date_part('epoch', {start})::bigint AS interval_start,
-- include: bucket_values_with_average()

-- fragment: sums_of_readings(width)
-- Buckets computed from readings, up to their first and last values, which follow.
equipment_id,
time_bucket('{width}', ts) AS bucket,
sum(value) AS total_value,
count(*) AS sample_count,
min(value) AS minimum,
max(value) AS maximum,

-- fragment: reading_columns()
-- A stored reading.
equipment_id,
ts,
value,
register_time
