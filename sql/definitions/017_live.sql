-- What a committed change tells those who listen: which equipment on which UTC days, side by side, and
-- the moment of the transaction, which is the register_time of every reading it wrote. What does not
-- fit a notification is told without equipment and days: anything may have changed.

CREATE OR REPLACE FUNCTION notify_changes() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM live_listeners WHERE seen_at > now() - INTERVAL '1 minute') THEN
        PERFORM pg_notify(
            'data_changes',
            CASE WHEN octet_length(told_change.full_text) < 7900
                THEN told_change.full_text
                ELSE json_build_object('at', now())::text
            END
        )
        FROM (
            SELECT
                json_build_object(
                    'at', now(), 'equipmentIds', told.equipment_ids, 'days', told.days
                )::text AS full_text
            FROM told
        ) AS told_change;
    END IF;
    RETURN NULL;
END
$$;
