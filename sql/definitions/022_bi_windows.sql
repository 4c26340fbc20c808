-- The API's windows, an equipment a row.

CREATE OR REPLACE FUNCTION running_hour_end() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN time_bucket('1 hour', now() + '1 hour'::interval - '1 microsecond'::interval);

COMMENT ON FUNCTION running_hour_end IS
'The end of the windows'' last hour, which is running; at a full hour that itself.';

CREATE OR REPLACE FUNCTION day_start(ts timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN time_bucket('1 day', ts);

COMMENT ON FUNCTION day_start IS 'The start of the UTC day.';

CREATE OR REPLACE FUNCTION next_day_start(hour timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN time_bucket('1 day', hour + '23 hours'::interval);

COMMENT ON FUNCTION next_day_start IS
'The start of the first UTC day that begins with this full hour or later.';

-- include: bi_window(window_24h, 24, window_hours(24))

-- include: bi_window(window_48h, 48, window_hours(48))

-- include: bi_window(window_1w, 168, window_days_and_hours(168))

-- include: bi_window(window_1m, 720, window_days_and_hours(720))
