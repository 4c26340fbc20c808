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

-- Called for every request. Planning takes twice as long as execution, hence the generic plan.
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
    FROM rollup_dirty_ranges
    WHERE
        range_start < stop
        AND range_end > start
        AND range_start < (
            SELECT greatest(rollup_watermark('readings_1h'), rollup_watermark('readings_1d'))
        );

    WITH piece AS (
        SELECT data_state.version
        FROM data_state
        WHERE
            cardinality(patterns) > 0
            AND (all_equipment OR equipment_id LIKE any(patterns))
            AND day BETWEEN first_day AND last_day
        UNION ALL
        SELECT data_state.version
        FROM data_state
        WHERE equipment_id = any(ids) AND day BETWEEN first_day AND last_day
    )

    SELECT coalesce(sum(piece.version), 0)::text INTO version FROM piece;
END
$$;

COMMENT ON FUNCTION aggregate_state IS
'The ranges in which the rollups lack late rows, and the version of the readings, on the UTC days, '
'of equipment LIKE one of the patterns or with one of the ids.';
