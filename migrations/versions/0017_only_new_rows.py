"""Dirty ranges in which no row was replaced: counting is enough to check their rollups."""

from migrations.statements import execute_all

revision = "0017"
down_revision = "0016"

UPGRADE = ("ALTER TABLE rollup_dirty_ranges ADD COLUMN only_new boolean NOT NULL DEFAULT false",)

DOWNGRADE = ("ALTER TABLE rollup_dirty_ranges DROP COLUMN only_new",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
