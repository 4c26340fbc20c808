-- The ledger of changes. A row of data_changes says which equipment changed on which UTC days (two
-- arrays side by side; '' is every equipment) and is written in the transaction that changed it.
-- The sum of the tokens over a question's equipment and days is the version of what it asks for: it
-- grows with each change that is visible, whatever the order of commits, and it stays the same when
-- upkeep adds rows of data_changes up in data_versions.
--
-- Tokens are random: a database that was restored to an earlier state and goes another way from there
-- does not come by the same sums.
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
'Sum version over equipment, with '''' for all of it, and UTC days: another sum, other readings.';

-- Asked before every answer, and planned in twice the time that it takes: hence one plan for all.
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
    everything constant boolean = patterns = '{%}';
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
            AND (everything OR equipment_id LIKE any(patterns))
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
'Where the rollups lack late rows, and the version, on the UTC days, of the readings of equipment '
'LIKE one of the patterns or with one of the ids.';
