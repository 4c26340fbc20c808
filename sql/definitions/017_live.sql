-- The notification of a committed change: its equipment and UTC days, two arrays side by side, and the
-- start of its transaction, which is the register_time of every reading it wrote. A change too large for
-- a notification is sent without equipment and days: anything may have changed. Migration 0016 has the
-- trigger, which names the rows of data_changes told. Every login of the database may notify and listen, so
-- each listener has a channel of its own, named by an id that only the application can read.

CREATE OR REPLACE FUNCTION notify_changes() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify(
        'data_changes_' || replace(listener.id::text, '-', ''),
        CASE WHEN octet_length(change.payload) < 7900
            THEN change.payload
            ELSE json_build_object('at', now())::text
        END
    )
    FROM live_listeners AS listener
    CROSS JOIN LATERAL (
        SELECT
            json_build_object(
                'at', now(), 'equipmentIds', told.equipment_ids, 'days', told.days
            )::text AS payload
        FROM told
    ) AS change
    WHERE listener.seen_at > now() - INTERVAL '1 minute';
    RETURN NULL;
END
$$;
