"""Rejected rows that come back corrected: a pass of its own, and a list of rejects after each."""

from migrations.statements import execute_all

revision = "0013"
down_revision = "0012"

UPGRADE = (
    """
    ALTER TABLE imports
    ADD COLUMN rejects_generation integer NOT NULL DEFAULT 0,
    ADD COLUMN repairing boolean NOT NULL DEFAULT false,
    ADD COLUMN repair_key text,
    ADD COLUMN repair_at timestamptz,
    ADD COLUMN repair_lines_done bigint NOT NULL DEFAULT 0
    """,
)

DOWNGRADE = (
    """
    ALTER TABLE imports
    DROP COLUMN repair_lines_done,
    DROP COLUMN repair_at,
    DROP COLUMN repair_key,
    DROP COLUMN repairing,
    DROP COLUMN rejects_generation
    """,
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
