-- name: open_session(id, issuer, client_id, subject, username, scopes, provider_session, sealed_tokens, access_token_hash, access_expires_at, refresh_due_at, lifetime)!
-- Store a new session.
INSERT INTO sessions (
    id, issuer, client_id, subject, username, scopes, provider_session,
    sealed_tokens, access_token_hash, access_expires_at, refresh_due_at, expires_at
)
VALUES (
    :id, :issuer, :client_id, :subject, :username, :scopes, :provider_session,
    :sealed_tokens, :access_token_hash, :access_expires_at, :refresh_due_at,
    now() + cast(:lifetime AS interval)
);

-- name: find_session(id, issuer, client_id, idle_lifetime)^
-- The live session of this provider and client; that it was seen is noted once in a while only.
WITH found AS (
    SELECT
        id,
        subject,
        username,
        scopes,
        last_seen_at,
        least(expires_at, now() + cast(:idle_lifetime AS interval)) AS ends_at,
        refresh_due_at <= now() AS refresh_due,
        access_expires_at <= now() AS access_expired
    FROM sessions
    WHERE
        id = :id
        AND issuer = :issuer
        AND client_id = :client_id
        AND expires_at > now()
        AND last_seen_at > now() - cast(:idle_lifetime AS interval)
),

seen AS (
    UPDATE sessions SET last_seen_at = now()
    FROM found
    WHERE
        sessions.id = found.id
        AND found.last_seen_at
        < now() - least(cast(:idle_lifetime AS interval) / 10, interval '1 minute')
)

SELECT
    found.subject,
    found.username,
    found.scopes,
    found.ends_at,
    found.refresh_due,
    found.access_expired
FROM found;

-- name: claim_refresh(id, lease)$
-- The sealed tokens, for the one caller who may refresh them now; nothing for the others.
UPDATE sessions SET refreshing_until = now() + cast(:lease AS interval)
WHERE
    id = :id
    AND refresh_due_at <= now()
    AND (refreshing_until IS NULL OR refreshing_until < now())
RETURNING sealed_tokens;

-- name: release_refresh(id)!
-- Let somebody else try the refresh.
UPDATE sessions SET refreshing_until = NULL
WHERE id = :id;

-- name: save_refresh(id, scopes, sealed_tokens, access_token_hash, access_expires_at, refresh_due_at)$
-- Put new tokens into the session and spend the access token before them; nothing if it has ended.
WITH former AS (
    SELECT
        id,
        access_token_hash,
        access_expires_at
    FROM sessions
    WHERE id = :id
    FOR UPDATE
),

spent AS (
    INSERT INTO spent_tokens (token_hash, expires_at)
    SELECT
        former.access_token_hash,
        former.access_expires_at + interval '1 minute' AS expires_at
    FROM former
    ON CONFLICT DO NOTHING
)

UPDATE sessions SET
    scopes = :scopes,
    sealed_tokens = :sealed_tokens,
    access_token_hash = :access_token_hash,
    access_expires_at = :access_expires_at,
    refresh_due_at = :refresh_due_at,
    refreshing_until = NULL
FROM former
WHERE sessions.id = former.id
RETURNING TRUE AS saved;

-- name: end_session(id)$
-- Delete the session, spend its access token; the sealed tokens if there was one.
WITH ended AS (
    DELETE FROM sessions
WHERE id = :id
    RETURNING sealed_tokens, access_token_hash, access_expires_at
),

spent AS (
    INSERT INTO spent_tokens (token_hash, expires_at)
    SELECT
        ended.access_token_hash,
        ended.access_expires_at + interval '1 minute' AS expires_at
    FROM ended
    ON CONFLICT DO NOTHING
)

SELECT ended.sealed_tokens FROM ended;

-- name: end_provider_sessions(issuer, client_id, subject, provider_session)!
-- Delete the sessions that belong to the provider's session, or all of the subject without one.
WITH ended AS (
    DELETE FROM sessions
    WHERE
        issuer = :issuer
        AND client_id = :client_id
        AND (cast(:subject AS text) IS NULL OR subject = :subject)
        AND (cast(:provider_session AS text) IS NULL OR provider_session = :provider_session)
    RETURNING access_token_hash, access_expires_at
)

INSERT INTO spent_tokens (token_hash, expires_at)
SELECT
    ended.access_token_hash,
    ended.access_expires_at + interval '1 minute' AS expires_at
FROM ended
ON CONFLICT DO NOTHING;

-- name: spend_token(token_hash, expires_at)$
-- Note that the token must not be used again; nothing if that was known.
INSERT INTO spent_tokens (token_hash, expires_at)
VALUES (:token_hash, :expires_at)
ON CONFLICT DO NOTHING
RETURNING TRUE AS spent;

-- name: is_spent(token_hash)$
-- Whether the token must not be used again.
SELECT exists(SELECT FROM spent_tokens
WHERE token_hash = :token_hash) AS spent;

-- name: forget_past_sign_ins()!
-- Delete the sessions, sign-ins, failures and spent tokens whose time is over.
WITH past_sessions AS (
    DELETE FROM sessions
    WHERE expires_at < now()
),

past_sign_ins AS (
    DELETE FROM sign_ins
    WHERE expires_at < now()
),

past_failures AS (
    DELETE FROM sign_in_failures
    WHERE expires_at < now()
)

DELETE FROM spent_tokens
WHERE expires_at < now();
