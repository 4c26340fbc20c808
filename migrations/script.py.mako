"""${message}."""

from migrations.statements import execute_all

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

UPGRADE = ()

DOWNGRADE = ()


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
