-- One plan for all, for planning would be the most of what a few rows cost. It holds the watermark of the
-- moment in which it was made, so that must be no later than what it reads: VOLATILE, as PostgreSQL then
-- looks whether the plan is still good, and after that takes a new snapshot, in which the state is read
-- as well. A STABLE function would read in the snapshot of its caller, and miss what a refresh in between
-- has moved below the watermark.
CREATE OR REPLACE FUNCTION few_hours(
    start timestamptz, stop timestamptz, first_day date, last_day date, ids text[]
)
RETURNS TABLE (
    stale tstzmultirange,
    version text,
    equipment_id text,
    interval_start bigint,
    total_value double precision,
    sample_count bigint,
    average double precision,
    minimum double precision,
    maximum double precision,
    first double precision,
    last double precision
)
LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = 'force_generic_plan'
AS $$
BEGIN
    RETURN QUERY
    SELECT
        state.stale,
        state.version,
        hours.equipment_id,
        date_part('epoch', hours.bucket)::bigint,
        hours.total_value,
        hours.sample_count,
        hours.total_value / hours.sample_count,
        hours.minimum,
        hours.maximum,
        hours.first,
        hours.last
    FROM aggregate_state(start, stop, first_day, last_day, '{}', array_append(ids, '')) AS state
    LEFT JOIN readings_1h AS hours
        ON hours.equipment_id = any(ids) AND hours.bucket >= start AND hours.bucket < stop;
END
$$;

COMMENT ON FUNCTION few_hours IS
'The rows of readings_1h for a few ids, in no order, and on each row the state as aggregate_state '
'tells it, of one moment. A row without equipment stands for none.';
