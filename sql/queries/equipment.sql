-- name: equipment(ids, prefixes, patterns, after, row_limit)
-- The first equipment ordered after :after, of the ids and of ids LIKE one of the patterns, and the
-- stale ranges of its counts. Without any equipment there is one row, with the stale ranges alone.
WITH dirty AS (
    SELECT range_agg(tstzrange(range_start, range_end)) AS stale
    FROM stale_ranges
)

SELECT
    facts.equipment_id,
    equipment.name,
    equipment.unit,
    equipment.location,
    equipment.zone,
    equipment.expected_period_seconds,
    facts.first_time,
    facts.last_time,
    facts.last_value,
    facts.sample_count,
    dirty.stale
FROM dirty
LEFT JOIN
    equipment_facts(
        array(
            SELECT known_equipment(
                :ids::text[],
                :prefixes::text[],
                :patterns::text[],
                :after::text,
                :row_limit::bigint
            )
        )
    ) AS facts
    ON true
LEFT JOIN equipment ON facts.equipment_id = equipment.id
ORDER BY facts.equipment_id COLLATE "C"; -- noqa: RF02

-- name: known_ids()
-- The ids of all equipment, in code point order.
SELECT known.id
FROM known_equipment('{}', '{""}', '{%}', '', null) AS known (id);
