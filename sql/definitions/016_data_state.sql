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
