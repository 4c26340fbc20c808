"""How the sender of a file says that it is written."""

from migrations.statements import execute_all

revision = "0007"
down_revision = "0006"

UPGRADE = ("ALTER TABLE imports ADD COLUMN options jsonb NOT NULL DEFAULT '{}'",)

DOWNGRADE = ("ALTER TABLE imports DROP COLUMN options",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
