"""The answers to requests with an Idempotency-Key, kept for a day."""

from migrations.statements import execute_all

revision = "0011"
down_revision = "0010"

UPGRADE = (
    """
    CREATE TABLE idempotency_keys (
        principal text NOT NULL,
        key text NOT NULL,
        fingerprint bytea NOT NULL,
        answer bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT idempotency_keys_key PRIMARY KEY (principal, key)
    )
    """,
    "CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)",
)

DOWNGRADE = ("DROP TABLE idempotency_keys",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
