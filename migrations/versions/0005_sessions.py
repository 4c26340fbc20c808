"""Who is signed in, sign-ins under way and failed, and tokens that must not be used again."""

from migrations.statements import execute_all

revision = "0005"
down_revision = "0004"

UPGRADE = (
    """
    CREATE TABLE sessions (
        id bytea NOT NULL,
        issuer text NOT NULL,
        client_id text NOT NULL,
        subject text NOT NULL,
        username text NOT NULL,
        scopes text [] NOT NULL,
        provider_session text,
        sealed_tokens text NOT NULL,
        access_token_hash bytea NOT NULL,
        access_expires_at timestamptz NOT NULL,
        refresh_due_at timestamptz NOT NULL,
        refreshing_until timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_seen_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        CONSTRAINT sessions_key PRIMARY KEY (id),
        CONSTRAINT sessions_id_is_a_hash CHECK (length(id) = 32)
    )
    """,
    "CREATE INDEX sessions_by_subject ON sessions (subject)",
    "CREATE INDEX sessions_by_provider_session ON sessions (provider_session)",
    "CREATE INDEX sessions_by_end ON sessions (expires_at)",
    """
    CREATE TABLE spent_tokens (
        token_hash bytea NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT spent_tokens_key PRIMARY KEY (token_hash)
    )
    """,
    "CREATE INDEX spent_tokens_by_end ON spent_tokens (expires_at)",
    """
    CREATE TABLE sign_ins (
        state_hash bytea NOT NULL,
        nonce text NOT NULL,
        code_verifier text NOT NULL,
        return_to text NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT sign_ins_key PRIMARY KEY (state_hash)
    )
    """,
    "CREATE INDEX sign_ins_by_end ON sign_ins (expires_at)",
    """
    CREATE TABLE sign_in_failures (
        key bytea NOT NULL,
        failures integer NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT sign_in_failures_key PRIMARY KEY (key)
    )
    """,
    "CREATE INDEX sign_in_failures_by_end ON sign_in_failures (expires_at)",
)

DOWNGRADE = (
    "DROP TABLE sign_in_failures",
    "DROP TABLE sign_ins",
    "DROP TABLE spent_tokens",
    "DROP TABLE sessions",
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
