-- Functions for BI tools. The first ones are TimescaleDB's: a tool whose search_path is bi finds them
-- here. The planner puts what they call in their place, so they cost nothing, and gapfill works.

CREATE OR REPLACE FUNCTION bi.time_bucket(bucket_width interval, ts timestamptz)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN public.time_bucket(bucket_width, ts);

COMMENT ON FUNCTION bi.time_bucket(interval, timestamptz) IS
'The start of the bucket that a timestamp is in. Buckets begin in UTC.';

CREATE OR REPLACE FUNCTION bi.time_bucket(
    bucket_width interval,
    ts timestamptz,
    timezone text,
    origin timestamptz DEFAULT NULL,
    "offset" interval DEFAULT NULL
) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN public.time_bucket(bucket_width, ts, timezone, origin, "offset");

COMMENT ON FUNCTION bi.time_bucket(interval, timestamptz, text, timestamptz, interval) IS
'The start of the bucket that a timestamp is in. Buckets begin in the time zone.';

CREATE OR REPLACE FUNCTION bi.time_bucket_gapfill(
    bucket_width interval,
    ts timestamptz,
    start timestamptz DEFAULT NULL,
    finish timestamptz DEFAULT NULL
) RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN public.time_bucket_gapfill(bucket_width, ts, start, finish);

COMMENT ON FUNCTION bi.time_bucket_gapfill(interval, timestamptz, timestamptz, timestamptz) IS
'time_bucket with a row for each bucket of the range in WHERE, also for those without readings.';

CREATE OR REPLACE FUNCTION bi.time_bucket_gapfill(
    bucket_width interval,
    ts timestamptz,
    timezone text,
    start timestamptz DEFAULT NULL,
    finish timestamptz DEFAULT NULL
) RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN public.time_bucket_gapfill(bucket_width, ts, timezone, start, finish);

COMMENT ON FUNCTION bi.time_bucket_gapfill(
    interval, timestamptz, text, timestamptz, timestamptz
) IS
'time_bucket in a time zone with a row for each bucket of the range in WHERE, also for those '
'without readings.';

CREATE OR REPLACE FUNCTION bi.locf(value double precision) RETURNS double precision
LANGUAGE sql VOLATILE
RETURN public.locf(value);

COMMENT ON FUNCTION bi.locf IS
'With time_bucket_gapfill: an aggregate, in gaps that of the last bucket before (last observation '
'carried forward).';

CREATE OR REPLACE FUNCTION bi.interpolate(value double precision) RETURNS double precision
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN public.interpolate(value);

COMMENT ON FUNCTION bi.interpolate IS
'With time_bucket_gapfill: an aggregate, in gaps on the line between the buckets around.';

-- Local days, as the API's tz has them. AT TIME ZONE takes the second of two midnights.
CREATE OR REPLACE FUNCTION bi.local_day_start(day date, zone text) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    midnight constant timestamp = day;
    latest constant timestamptz = midnight AT TIME ZONE zone;
    day_before constant timestamptz = latest - '24 hours'::interval;
    offset_before constant interval
    = (day_before AT TIME ZONE zone) - (day_before AT TIME ZONE 'UTC');
    earlier constant timestamptz = (midnight - offset_before) AT TIME ZONE 'UTC';
BEGIN
    RETURN CASE
        WHEN earlier AT TIME ZONE zone = midnight THEN least(earlier, latest)
        ELSE latest
    END;
END
$$;

COMMENT ON FUNCTION bi.local_day_start IS
'When a day begins in a time zone of the IANA database: at midnight, the first one if the clock '
'shows two, the change of the clock if it skips it.';

-- Only within a day after a change of the clock its date may be another than the day's.
CREATE OR REPLACE FUNCTION bi.local_day(ts timestamptz, zone text) RETURNS date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN
        (ts AT TIME ZONE zone) - ((ts - '24 hours'::interval) AT TIME ZONE zone)
        = '24 hours'::interval
        THEN (ts AT TIME ZONE zone)::date
    WHEN ts >= bi.local_day_start((ts AT TIME ZONE zone)::date + 1, zone)
        THEN (ts AT TIME ZONE zone)::date + 1
    WHEN ts < bi.local_day_start((ts AT TIME ZONE zone)::date, zone)
        THEN (ts AT TIME ZONE zone)::date - 1
    ELSE (ts AT TIME ZONE zone)::date
END;

COMMENT ON FUNCTION bi.local_day IS
'The day of a timestamp in a time zone of the IANA database, as a date, which no tool shows as '
'another day.';

-- $1 is zone, $2 from_day, $3 until_day: by their names they would look like columns.
CREATE OR REPLACE FUNCTION bi.readings_by_local_day(zone text, from_day date, until_day date)
RETURNS TABLE (
    day date,
    equipment_id text,
    total_value double precision,
    sample_count bigint,
    average double precision,
    minimum double precision,
    maximum double precision,
    first double precision,
    last double precision,
    start_time timestamptz,
    end_time timestamptz,
    name text,
    unit text,
    location text
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH cut AS MATERIALIZED (
        SELECT DISTINCT time_bucket('1 hour', boundary.ts) AS hour
        FROM generate_series(0, $3 - $2) AS days (number)
        CROSS JOIN LATERAL bi.local_day_start($2 + days.number, $1) AS boundary (ts)
        WHERE boundary.ts <> time_bucket('1 hour', boundary.ts)
    ),

    piece AS (
        SELECT
            hours.equipment_id,
            hours.time,
            hours.total_value,
            hours.sample_count,
            hours.minimum,
            hours.maximum,
            hours.first,
            hours.last,
            hours.name,
            hours.unit,
            hours.location
        FROM bi.readings_1h AS hours
        WHERE
            hours.time >= bi.local_day_start($2, $1)
            AND hours.time < bi.local_day_start($3, $1)
            AND hours.time NOT IN (SELECT cut.hour FROM cut)
        UNION ALL
        SELECT
            readings.equipment_id,
            readings.time,
            readings.value AS total_value,
            1 AS sample_count,
            readings.value AS minimum,
            readings.value AS maximum,
            readings.value AS first,
            readings.value AS last,
            readings.name,
            readings.unit,
            readings.location
        FROM cut
        CROSS JOIN LATERAL (
            SELECT
                raw.equipment_id,
                raw.time,
                raw.value,
                raw.name,
                raw.unit,
                raw.location
            FROM bi.readings AS raw
            WHERE raw.time >= cut.hour AND raw.time < cut.hour + '1 hour'::interval
            OFFSET 0 -- noqa: AM09
        ) AS readings
        WHERE
            readings.time >= bi.local_day_start($2, $1)
            AND readings.time < bi.local_day_start($3, $1)
    ),

    summed AS (
        SELECT
            bi.local_day(piece.time, $1) AS day,
            piece.equipment_id,
            sum(piece.total_value) AS total_value,
            sum(piece.sample_count)::bigint AS sample_count,
            min(piece.minimum) AS minimum,
            max(piece.maximum) AS maximum,
            first(piece.first, piece.time) AS first,
            last(piece.last, piece.time) AS last,
            min(piece.name) AS name,
            min(piece.unit) AS unit,
            min(piece.location) AS location
        FROM piece
        GROUP BY bi.local_day(piece.time, $1), piece.equipment_id
    )

    SELECT
        summed.day,
        summed.equipment_id,
        summed.total_value,
        summed.sample_count,
        summed.total_value / summed.sample_count AS average,
        summed.minimum,
        summed.maximum,
        summed.first,
        summed.last,
        bi.local_day_start(summed.day, $1) AS start_time,
        bi.local_day_start(summed.day + 1, $1) AS end_time,
        summed.name,
        summed.unit,
        summed.location
    FROM summed;
END;

COMMENT ON FUNCTION bi.readings_by_local_day IS
'One row an equipment and day of a time zone that has readings, from one day to another, which is '
'left out. Days are added up from UTC hours; an hour that a midnight cuts, as in zones off the '
'whole hour, from its readings.';
