-- The row of a key is the lock of its request: advisory locks are open to every login of the database.

CREATE OR REPLACE FUNCTION claim_idempotency_key(
    claimed_principal text, claimed_key text, claimed_fingerprint bytea
) RETURNS boolean
LANGUAGE sql
SET lock_timeout = '100ms'
AS $$
    INSERT INTO idempotency_keys AS kept (principal, key, fingerprint, answer)
    VALUES (claimed_principal, claimed_key, claimed_fingerprint, '')
    ON CONFLICT (principal, key) DO UPDATE
        SET
            fingerprint = excluded.fingerprint,
            answer = excluded.answer,
            created_at = excluded.created_at
        WHERE kept.created_at <= now() - '24 hours'::interval
    RETURNING true
$$;

COMMENT ON FUNCTION claim_idempotency_key IS
'Enters a key that is new, or too old to count, with an answer that its transaction must replace.';
