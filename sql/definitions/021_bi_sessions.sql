-- The logins of BI tools: in the role sensorflow_bi and in no other. An owner that is a member of such a
-- login is a member of sensorflow_bi too, and is none of them.
CREATE OR REPLACE VIEW bi_logins AS
SELECT
    login.oid,
    login.rolname AS name
FROM pg_roles AS login
INNER JOIN pg_auth_members AS membership ON login.oid = membership.member
WHERE
    login.rolcanlogin
    AND NOT (login.rolsuper OR login.rolcreaterole OR login.rolcreatedb OR login.rolreplication)
GROUP BY login.oid, login.rolname
HAVING bool_and(membership.roleid = to_regrole('sensorflow_bi'));

COMMENT ON VIEW bi_logins IS 'The logins that read the schema bi and have no other role.';

-- A BI login may SET its timeouts to any value, so what must hold is held from outside: the worker calls
-- this. It runs as its owner, since the worker may neither see nor end sessions of other roles. Every login may
-- LISTEN too, and keeps notifications for as long as its transaction: a full queue would let nobody commit a
-- change that notifies, so beyond a tenth of it no BI transaction goes on.
CREATE OR REPLACE FUNCTION end_long_bi_transactions(max_duration interval)
RETURNS TABLE (pid integer, login name, seconds double precision, is_ended boolean)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR pid, login, seconds IN
        SELECT
            session.pid,
            session.usename,
            extract(EPOCH FROM clock_timestamp() - session.xact_start)
        FROM pg_stat_activity AS session
        INNER JOIN public.bi_logins AS bi_login ON session.usesysid = bi_login.oid
        WHERE
            session.datname = current_database()
            AND session.xact_start < clock_timestamp() - CASE
                WHEN pg_notification_queue_usage() < 0.1 THEN max_duration
                ELSE INTERVAL '0'
            END
    LOOP
        BEGIN
            is_ended := pg_terminate_backend(pid);
        EXCEPTION WHEN insufficient_privilege THEN
            is_ended := false;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION end_long_bi_transactions FROM public;

COMMENT ON FUNCTION end_long_bi_transactions IS
'Ends BI sessions in a transaction that has run longer, or in any while notifications pile up.';
