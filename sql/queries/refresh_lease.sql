-- The lease on refreshing the rollups: one holder at a time, who renews it until it is done.

-- name: take_refresh_lease(holder, lease_seconds, backend_pids)$
-- Take the lease if it is free, or if its holder has not renewed it for so long; null: it is held. The
-- sessions of a holder that has lost it are ended, so none of its statements goes on. A process that
-- started after the last renewal only has the number of one of theirs.
WITH former AS (
    SELECT
        renewed_at,
        backend_pids
    FROM refresh_lease
),

taken AS (
    INSERT INTO refresh_lease AS lease (holder, backend_pids)
    VALUES (:holder, :backend_pids)
    ON CONFLICT (only_row) DO UPDATE
        SET
            holder = excluded.holder,
            renewed_at = excluded.renewed_at,
            backend_pids = excluded.backend_pids
        WHERE lease.renewed_at < clock_timestamp() - make_interval(secs => :lease_seconds)
    RETURNING lease.holder
)

SELECT
    (
        SELECT count(pg_terminate_backend(session.pid, 5000))
        FROM former
        INNER JOIN pg_stat_activity AS session ON session.pid = any(former.backend_pids)
        WHERE session.backend_start < former.renewed_at AND session.usename = current_user
    ) AS ended_sessions
FROM taken;

-- name: renew_refresh_lease(holder, backend_pids)$
-- Keep the lease; null: another one has it.
UPDATE refresh_lease
SET
    renewed_at = clock_timestamp(),
    backend_pids = :backend_pids
WHERE holder = :holder
RETURNING holder;

-- name: release_refresh_lease(holder)!
-- Let the next one have the lease at once.
DELETE FROM refresh_lease
WHERE holder = :holder;
