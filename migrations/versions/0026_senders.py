"""Who sent a file, by name: a subject alone tells nobody who that is."""

from migrations.statements import execute_all

revision = "0026"
down_revision = "0025"

UPGRADE = ("ALTER TABLE imports ADD COLUMN created_by_name text",)

DOWNGRADE = ("ALTER TABLE imports DROP COLUMN created_by_name",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
