"""Writers call a function of sql/definitions, enter_written(), which every migrate applies.

Nothing changes in the tables: the number tells servers of this release whether it is there.
"""

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
