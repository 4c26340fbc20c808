"""What the page of the system shows: readings by minute, the last audit, imports by their state.

A transaction that writes readings enters how many into data_changes, where it enters what it
changed anyway; upkeep adds them up by minute. A server of the release before enters none.
"""

from migrations.statements import execute_all

revision = "0025"
down_revision = "0024"

UPGRADE = (
    """
    ALTER TABLE data_changes
    ADD COLUMN readings integer NOT NULL DEFAULT 0,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now()
    """,
    """
    CREATE TABLE ingest_minutes (
        minute timestamptz NOT NULL,
        readings bigint NOT NULL,
        CONSTRAINT ingest_minutes_key PRIMARY KEY (minute)
    )
    """,
    # sql/definitions has it with one parameter more, which its callers of before may leave out.
    """
    DROP FUNCTION IF EXISTS enter_written(
        timestamptz [], timestamptz [], text [], date [], integer, boolean, uuid
    )
    """,
    """
    ALTER TABLE rollup_audits
    ADD COLUMN audited_at timestamptz,
    ADD COLUMN wrong_at timestamptz,
    ADD COLUMN wrong_day timestamptz
    """,
    """
    CREATE INDEX imports_unfinished ON imports (state)
    WHERE state IN ('awaiting_upload', 'queued', 'loading', 'aggregating')
    """,
    "CREATE INDEX imports_failed ON imports (finished_at) WHERE state = 'failed'",
)

DOWNGRADE = (
    "DROP INDEX imports_failed",
    "DROP INDEX imports_unfinished",
    """
    ALTER TABLE rollup_audits
    DROP COLUMN wrong_day,
    DROP COLUMN wrong_at,
    DROP COLUMN audited_at
    """,
    "DROP TABLE ingest_minutes",
    "ALTER TABLE data_changes DROP COLUMN created_at, DROP COLUMN readings",
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
