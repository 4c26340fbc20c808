-- Requests with an Idempotency-Key: each is executed once; its response is stored for a day.

-- name: claim_idempotency_key(principal, key, fingerprint)$
-- Lock the key until the transaction ends; null: it was used before. Raises lock_not_available
-- (55P03) if another request holds it.
SELECT claim_idempotency_key(:principal, :key, :fingerprint);

-- name: stored_response(principal, key)^
-- The response to an earlier request with this key, and that request's fingerprint.
SELECT
    fingerprint,
    answer
FROM idempotency_keys
WHERE principal = :principal AND key = :key;

-- name: store_response(principal, key, response)!
-- Store a response, in the transaction that executed the request.
UPDATE idempotency_keys
SET answer = :response
WHERE principal = :principal AND key = :key;

-- name: delete_expired_responses()!
-- Delete responses that are too old to be returned.
DELETE FROM idempotency_keys
WHERE created_at <= now() - '24 hours'::interval;
