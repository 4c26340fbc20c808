"""How many bytes of an import are loaded, and since when and with how many rows the rate counts."""

from migrations.statements import execute_all

revision = "0012"
down_revision = "0011"

UPGRADE = (
    """
    ALTER TABLE imports
    ADD COLUMN bytes_done bigint NOT NULL DEFAULT 0,
    ADD COLUMN bytes_total bigint,
    ADD COLUMN loading_since timestamptz,
    ADD COLUMN rows_before bigint NOT NULL DEFAULT 0,
    ADD COLUMN progress_at timestamptz
    """,
)

DOWNGRADE = (
    """
    ALTER TABLE imports
    DROP COLUMN progress_at,
    DROP COLUMN rows_before,
    DROP COLUMN loading_since,
    DROP COLUMN bytes_total,
    DROP COLUMN bytes_done
    """,
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
