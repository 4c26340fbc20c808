"""Rows that hold no reading, as when a logger wrote -9999, are counted apart.

A server of the release before counts none, so its statements keep the sum right.
"""

from migrations.statements import execute_all

revision = "0023"
down_revision = "0022"

UPGRADE = (
    """
    ALTER TABLE imports
    ADD COLUMN rows_skipped bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT imports_every_row_accounted_for,
    ADD CONSTRAINT imports_every_row_accounted_for CHECK (
        rows_read = rows_inserted + rows_replaced + rows_unchanged + rows_skipped + rows_rejected
    )
    """,
)

# Of what the old constraint knows, a row that changed nothing comes closest.
DOWNGRADE = (
    """
    UPDATE imports
    SET rows_unchanged = rows_unchanged + rows_skipped, rows_skipped = 0
    WHERE rows_skipped <> 0
    """,
    """
    ALTER TABLE imports
    DROP CONSTRAINT imports_every_row_accounted_for,
    DROP COLUMN rows_skipped,
    ADD CONSTRAINT imports_every_row_accounted_for CHECK (
        rows_read = rows_inserted + rows_replaced + rows_unchanged + rows_rejected
    )
    """,
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
