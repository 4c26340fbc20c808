-- The logins of BI tools, which an administrator of the server or the owner makes.

-- name: list_bi_users()
-- Each login with its limits and how many sessions it has open.
SELECT
    login.name,
    role.rolconnlimit AS max_connections,
    role.rolconfig AS settings,
    count(session.pid) AS open_sessions
FROM bi_logins AS login
INNER JOIN pg_roles AS role ON login.oid = role.oid
LEFT JOIN pg_stat_activity AS session ON login.oid = session.usesysid
GROUP BY login.name, role.rolconnlimit, role.rolconfig
ORDER BY login.name;

-- name: bi_user_exists(name)^
-- Whether a role has the name, and whether it is a login of a BI tool.
SELECT
    to_regrole(quote_ident(:name)) IS NOT NULL AS is_taken,
    :name IN (SELECT login.name FROM bi_logins AS login) AS is_bi_user;

-- name: bi_user_statements(name, verifier, max_connections)
-- What creates a login. The role that does becomes its member, to see and end its sessions.
SELECT
    format(
        statement,
        :name::text,
        :verifier::text,
        :max_connections::integer
    )
FROM unnest(ARRAY[
    'CREATE ROLE %1$I LOGIN PASSWORD %2$L CONNECTION LIMIT %3$s',
    'GRANT sensorflow_bi TO %1$I'
]) AS statement
UNION ALL
SELECT format('GRANT %I TO CURRENT_USER', :name::text)
FROM pg_roles
WHERE rolname = current_user AND NOT rolsuper;

-- name: bi_user_setting(name, setting, value)$
-- What makes a setting the default of a login's sessions: a login inherits none of its group's.
SELECT
    format(
        'ALTER ROLE %I SET %I = %L',
        :name::text,
        :setting::text,
        :value::text
    );

-- name: bi_user_password(name, verifier)$
-- What replaces the password of a login.
SELECT format('ALTER ROLE %I PASSWORD %L', :name::text, :verifier::text);

-- name: bi_user_removal(name)
-- What removes a login: it can open no session any more, then its open ones can be ended.
SELECT format(statement, :name::text)
FROM unnest(ARRAY['ALTER ROLE %I NOLOGIN', 'DROP ROLE %I']) AS statement;

-- name: end_sessions_of_bi_user(name)$
-- How many sessions of a login were ended; each is given five seconds for that.
SELECT count(pg_terminate_backend(pid, 5000))
FROM pg_stat_activity
WHERE usename = :name;

-- name: end_long_bi_transactions(max_seconds)
-- End the BI sessions whose transaction has run longer; which, and whether that was allowed.
SELECT
    pid,
    login,
    seconds,
    is_ended
FROM end_long_bi_transactions(make_interval(secs => :max_seconds));
