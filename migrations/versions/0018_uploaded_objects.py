"""Which object an import was completed with: its URL may store another one in its place."""

from migrations.statements import execute_all

revision = "0018"
down_revision = "0017"

UPGRADE = ("ALTER TABLE imports ADD COLUMN object_e_tag text",)

DOWNGRADE = ("ALTER TABLE imports DROP COLUMN object_e_tag",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
