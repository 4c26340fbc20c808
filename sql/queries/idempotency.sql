-- Requests with an Idempotency-Key: each is carried out once, its answer kept for a day.

-- name: try_request_lock(principal, key)$
-- Be the only one with this key until the transaction ends; false: another request is.
SELECT
    pg_try_advisory_xact_lock(
        hashtextextended(:key::text, hashtextextended(:principal::text, 7463920120))
    );

-- name: kept_answer(principal, key)^
-- What a request with this key was answered, and the fingerprint it had.
SELECT
    fingerprint,
    answer
FROM idempotency_keys
WHERE
    principal = :principal
    AND key = :key
    AND created_at > now() - '24 hours'::interval;

-- name: keep_answer(principal, key, fingerprint, answer)!
-- Keep an answer, in the transaction that did what it says.
INSERT INTO idempotency_keys (principal, key, fingerprint, answer)
VALUES (:principal, :key, :fingerprint, :answer)
ON CONFLICT (principal, key) DO UPDATE
    SET
        fingerprint = excluded.fingerprint,
        answer = excluded.answer,
        created_at = excluded.created_at;

-- name: forget_old_answers()!
-- Forget answers that are not given again.
DELETE FROM idempotency_keys
WHERE created_at <= now() - '24 hours'::interval;
