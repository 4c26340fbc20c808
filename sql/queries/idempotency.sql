-- Requests with an Idempotency-Key: each is carried out once, its answer kept for a day.

-- name: claim_request(principal, key, fingerprint)$
-- Be the only one with this key until the transaction ends; null: the key was used before. Raises
-- lock_not_available (55P03) if another request with it is under way.
SELECT claim_idempotency_key(:principal, :key, :fingerprint);

-- name: kept_answer(principal, key)^
-- What a request with this key was answered, and the fingerprint it had.
SELECT
    fingerprint,
    answer
FROM idempotency_keys
WHERE principal = :principal AND key = :key;

-- name: keep_answer(principal, key, answer)!
-- Keep an answer, in the transaction that did what it says.
UPDATE idempotency_keys
SET answer = :answer
WHERE principal = :principal AND key = :key;

-- name: forget_old_answers()!
-- Forget answers that are not given again.
DELETE FROM idempotency_keys
WHERE created_at <= now() - '24 hours'::interval;
