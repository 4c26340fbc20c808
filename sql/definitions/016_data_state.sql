-- The ledger of changes. A row of data_changes names the equipment that changed and the UTC days (two
-- arrays side by side; '' is all equipment). The sum of the tokens over a query's equipment and days
-- is the version of its data: docs/decisions/0003-ledger-and-tokens.md.

CREATE OR REPLACE FUNCTION change_token() RETURNS bigint
LANGUAGE sql VOLATILE
AS $$ SELECT (1 + floor(random() * 4294967296))::bigint $$;

CREATE OR REPLACE VIEW data_state AS
SELECT
    equipment_id,
    day,
    version
FROM data_versions
UNION ALL
SELECT
    changed.equipment_id,
    changed.day,
    data_changes.token AS version
FROM data_changes
CROSS JOIN LATERAL
    unnest(data_changes.equipment_ids, data_changes.days) AS changed (equipment_id, day);

COMMENT ON VIEW data_state IS
'Sum version over equipment, with '''' for all of it, and UTC days: it changes with the readings.';

-- A pending reading without a value replaced another; without an equipment it stands for changes of
-- which nobody knows the hours.
CREATE OR REPLACE VIEW stale_ranges AS
SELECT
    range_start,
    range_end
FROM rollup_dirty_ranges
WHERE
    range_start < (
        SELECT greatest(rollup_watermark('readings_1h'), rollup_watermark('readings_1d'))
    )
UNION ALL
SELECT
    CASE pending.equipment_id WHEN '' THEN seam.hours_end ELSE time_bucket('1 hour', pending.ts) END
    AS range_start,
    CASE pending.equipment_id
        WHEN '' THEN time_bucket('1 hour', seam.end_ts)
        ELSE time_bucket('1 hour', pending.ts)
    END + '1 hour'::interval AS range_end
FROM pending_readings AS pending
CROSS JOIN partial_hours_seam AS seam
WHERE
    pending.value IS NULL
    AND seam.hours_end < seam.end_ts
    AND (pending.equipment_id = '' OR (pending.ts >= seam.hours_end AND pending.ts < seam.end_ts));

COMMENT ON VIEW stale_ranges IS 'The ranges in which rollups or partial_hours lack changes.';

-- Called for every request. Planning takes twice as long as execution, hence the generic plan. Of busy
-- equipment there are 100,000 changes until the worker compacts them: IN (...) IS TRUE finds each in a
-- hash table of the ids, where IN alone, as a join, and = any() compare it with one id after the other.
CREATE OR REPLACE FUNCTION aggregate_state(
    start timestamptz,
    stop timestamptz,
    first_day date,
    last_day date,
    patterns text[],
    ids text[],
    OUT stale tstzmultirange,
    OUT version text
)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
    all_equipment constant boolean = patterns = '{%}';
BEGIN
    SELECT range_agg(tstzrange(range_start, range_end)) INTO stale
    FROM stale_ranges
    WHERE range_start < stop AND range_end > start;

    WITH piece AS (
        SELECT data_state.version
        FROM data_state
        WHERE
            cardinality(patterns) > 0
            AND (all_equipment OR equipment_id LIKE any(patterns))
            AND day BETWEEN first_day AND last_day
        UNION ALL
        SELECT data_versions.version
        FROM data_versions
        WHERE equipment_id = any(ids) AND day BETWEEN first_day AND last_day
        UNION ALL
        SELECT data_changes.token AS version
        FROM data_changes
        CROSS JOIN LATERAL
            unnest(data_changes.equipment_ids, data_changes.days) AS changed (equipment_id, day)
        WHERE
            day BETWEEN first_day AND last_day
            AND (changed.equipment_id IN (SELECT unnest(ids))) IS TRUE
    )

    SELECT coalesce(sum(piece.version), 0)::text INTO version FROM piece;
END
$$;

COMMENT ON FUNCTION aggregate_state IS
'The ranges in which the rollups lack late rows, and the version of the readings, on the UTC days, '
'of equipment LIKE one of the patterns or with one of the ids.';
