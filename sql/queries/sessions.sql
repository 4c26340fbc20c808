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
-- The live session of this provider and client; last_seen_at is not updated on every request.
WITH live AS (
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
    FROM live
    WHERE
        sessions.id = live.id
        AND live.last_seen_at
        < now() - least(cast(:idle_lifetime AS interval) / 10, interval '1 minute')
)

SELECT
    live.subject,
    live.username,
    live.scopes,
    live.ends_at,
    live.refresh_due,
    live.access_expired
FROM live;

-- name: claim_refresh(id, lease)$
-- The encrypted tokens, for the one caller that may refresh them now; no row for the others.
UPDATE sessions SET refreshing_until = now() + cast(:lease AS interval)
WHERE
    id = :id
    AND refresh_due_at <= now()
    AND (refreshing_until IS NULL OR refreshing_until < now())
RETURNING sealed_tokens;

-- name: release_refresh(id)!
-- Let the next caller claim the refresh.
UPDATE sessions SET refreshing_until = NULL
WHERE id = :id;

-- name: save_refresh(id, scopes, sealed_tokens, access_token_hash, access_expires_at, refresh_due_at)$
-- Replace the tokens and revoke the former access token; no row if the session has ended.
WITH former AS (
    SELECT
        id,
        access_token_hash,
        access_expires_at
    FROM sessions
    WHERE id = :id
    FOR UPDATE
),

revoked AS (
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
-- Delete the session and revoke its access token; the encrypted tokens, if it existed.
WITH ended AS (
    DELETE FROM sessions
WHERE id = :id
    RETURNING sealed_tokens, access_token_hash, access_expires_at
),

revoked AS (
    INSERT INTO spent_tokens (token_hash, expires_at)
    SELECT
        ended.access_token_hash,
        ended.access_expires_at + interval '1 minute' AS expires_at
    FROM ended
    ON CONFLICT DO NOTHING
)

SELECT ended.sealed_tokens FROM ended;

-- name: end_provider_sessions(issuer, client_id, subject, provider_session)!
-- Delete the sessions of the provider's session, or without one all of the subject; revoke their
-- access tokens.
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

-- name: revoke_token(token_hash, expires_at)$
-- Reject the token from now on; no row if it was revoked before.
INSERT INTO spent_tokens (token_hash, expires_at)
VALUES (:token_hash, :expires_at)
ON CONFLICT DO NOTHING
RETURNING TRUE AS revoked;

-- name: is_token_revoked(token_hash)$
-- Whether the token must be rejected.
SELECT exists(SELECT FROM spent_tokens
WHERE token_hash = :token_hash) AS revoked;

-- name: delete_expired_sessions()!
-- Delete the sessions, pending sign-ins, counts of failures and revoked tokens that have expired.
WITH expired_sessions AS (
    DELETE FROM sessions
    WHERE expires_at < now()
),

expired_sign_ins AS (
    DELETE FROM sign_ins
    WHERE expires_at < now()
),

expired_failures AS (
    DELETE FROM sign_in_failures
    WHERE expires_at < now()
)

DELETE FROM spent_tokens
WHERE expires_at < now();
