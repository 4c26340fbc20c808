"""What the report of an import warns of: code, count and first lines of rows."""

from migrations.statements import execute_all

revision = "0022"
down_revision = "0021"

UPGRADE = ("ALTER TABLE imports ADD COLUMN warnings jsonb NOT NULL DEFAULT '[]'",)

DOWNGRADE = ("ALTER TABLE imports DROP COLUMN warnings",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
