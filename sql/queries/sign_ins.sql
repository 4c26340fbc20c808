-- name: add_sign_in(state_hash, nonce, code_verifier, return_to, lifetime)!
-- Store a pending sign-in, which the authorization response must match.
INSERT INTO sign_ins (state_hash, nonce, code_verifier, return_to, expires_at)
VALUES (:state_hash, :nonce, :code_verifier, :return_to, now() + cast(:lifetime AS interval));

-- name: consume_sign_in(state_hash, nonce)^
-- Delete and return the pending sign-in with that state and nonce; no row the second time.
DELETE FROM sign_ins
WHERE state_hash = :state_hash AND nonce = :nonce AND expires_at > now()
RETURNING code_verifier, return_to;

-- name: increment_failures(key, window)^
-- Count one failure more under the key; the number in the window and the seconds it lasts.
INSERT INTO sign_in_failures AS counted (key, failures, expires_at)
VALUES (:key, 1, now() + cast(:window AS interval))
ON CONFLICT (key) DO UPDATE
    SET
        failures = CASE WHEN counted.expires_at > now() THEN counted.failures + 1 ELSE 1 END,
        expires_at = CASE
            WHEN counted.expires_at > now() THEN counted.expires_at
            ELSE excluded.expires_at
        END
RETURNING
    failures,
    ceil(extract(EPOCH FROM expires_at - now()))::integer AS seconds_left;

-- name: decrement_failures(key)!
-- Count one failure less under the key.
UPDATE sign_in_failures SET failures = greatest(failures - 1, 0)
WHERE key = :key;

-- name: reset_failures(key)!
-- Delete the count under the key.
DELETE FROM sign_in_failures
WHERE key = :key;
