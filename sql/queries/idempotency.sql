-- Requests with an Idempotency-Key: each is executed once; its response is stored for a day.

-- name: try_lock_idempotency_key(principal, key)$
-- Lock the key until the transaction ends; false: another request holds it.
SELECT
    pg_try_advisory_xact_lock(
        hashtextextended(:key::text, hashtextextended(:principal::text, 7463920120))
    );

-- name: stored_response(principal, key)^
-- The response to an earlier request with this key, and that request's fingerprint.
SELECT
    fingerprint,
    answer
FROM idempotency_keys
WHERE
    principal = :principal
    AND key = :key
    AND created_at > now() - '24 hours'::interval;

-- name: store_response(principal, key, fingerprint, response)!
-- Store a response, in the transaction that executed the request.
INSERT INTO idempotency_keys (principal, key, fingerprint, answer)
VALUES (:principal, :key, :fingerprint, :response)
ON CONFLICT (principal, key) DO UPDATE
    SET
        fingerprint = excluded.fingerprint,
        answer = excluded.answer,
        created_at = excluded.created_at;

-- name: delete_expired_responses()!
-- Delete responses that are too old to be returned.
DELETE FROM idempotency_keys
WHERE created_at <= now() - '24 hours'::interval;
