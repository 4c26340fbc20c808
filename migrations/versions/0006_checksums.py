"""The checksum of each upload, so that a file that comes again is recognised."""

from migrations.statements import execute_all

revision = "0006"
down_revision = "0005"

UPGRADE = (
    """
    ALTER TABLE imports
    ADD COLUMN sha256 bytea,
    ADD COLUMN duplicate_of uuid,
    ADD CONSTRAINT imports_duplicate_of
    FOREIGN KEY (duplicate_of) REFERENCES imports (id) ON DELETE SET NULL
    """,
    "CREATE INDEX imports_by_checksum ON imports (sha256)",
)

DOWNGRADE = ("ALTER TABLE imports DROP COLUMN duplicate_of, DROP COLUMN sha256",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
