-- What the statements that write readings have in common.

-- fragment: key_order()
-- The one order in which every writer locks readings, so that no two of them deadlock.
equipment_id COLLATE "C",
ts

-- fragment: changed_days(rows)
-- Each equipment with each UTC day on which it has one of the rows.
SELECT DISTINCT
    equipment_id,
    (ts AT TIME ZONE 'UTC')::date AS day
FROM {rows}
