-- name: begin_sign_in(state_hash, nonce, code_verifier, return_to, lifetime)!
-- Remember what the provider's answer must fit.
INSERT INTO sign_ins (state_hash, nonce, code_verifier, return_to, expires_at)
VALUES (:state_hash, :nonce, :code_verifier, :return_to, now() + cast(:lifetime AS interval));

-- name: take_sign_in(state_hash, nonce)^
-- The sign-in of that state begun by that browser, once: it is gone afterwards.
DELETE FROM sign_ins
WHERE state_hash = :state_hash AND nonce = :nonce AND expires_at > now()
RETURNING code_verifier, return_to;

-- name: count_failure(key, span)^
-- Count one more failure under the key, and tell how many there are and how long they count.
INSERT INTO sign_in_failures AS known (key, failures, expires_at)
VALUES (:key, 1, now() + cast(:span AS interval))
ON CONFLICT (key) DO UPDATE
    SET
        failures = CASE WHEN known.expires_at > now() THEN known.failures + 1 ELSE 1 END,
        expires_at = CASE
            WHEN known.expires_at > now() THEN known.expires_at
            ELSE excluded.expires_at
        END
RETURNING
    failures,
    ceil(extract(EPOCH FROM expires_at - now()))::integer AS seconds_left;

-- name: discount_failure(key)!
-- Take one failure back.
UPDATE sign_in_failures SET failures = greatest(failures - 1, 0)
WHERE key = :key;

-- name: forget_failures(key)!
-- Start again at none.
DELETE FROM sign_in_failures
WHERE key = :key;
