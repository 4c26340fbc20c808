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

-- name: usual_quartiles(ids, last_times, max_days, min_days)
-- The first and third quartile of the daily minima, and those of the daily maxima, of each id over its
-- last days with readings before the UTC day of the last one. These days are over, so that they are
-- materialised. Without :min_days of them there is no row.
WITH given AS (
    SELECT
        unnest(:ids::text[]) AS equipment_id,
        unnest(:last_times::timestamptz[]) AS last_time
)

SELECT
    given.equipment_id,
    percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY days.minimum) AS minima,
    percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY days.maximum) AS maxima
FROM given
CROSS JOIN LATERAL (
    SELECT
        daily.minimum,
        daily.maximum
    FROM materialised_1d AS daily
    WHERE
        daily.equipment_id = given.equipment_id
        AND daily.bucket < time_bucket('1 day', given.last_time)
    ORDER BY daily.bucket DESC
    LIMIT :max_days
) AS days
GROUP BY given.equipment_id
HAVING count(*) >= :min_days;

-- name: known_ids()
-- The ids of all equipment, in code point order.
SELECT known.id
FROM known_equipment('{}', '{""}', '{%}', '', null) AS known (id);
