"""Imports that wait for a file: since when it is there, and which checksum it was announced with.

Every import until now was made after its upload.
"""

from migrations.statements import execute_all

revision = "0008"
down_revision = "0007"

UPGRADE = (
    """
    ALTER TABLE imports
    ADD COLUMN announced_sha256 bytea,
    ADD COLUMN uploaded_at timestamptz DEFAULT now()
    """,
    "UPDATE imports SET uploaded_at = created_at",
    """
    CREATE INDEX imports_awaiting_upload ON imports (created_at) WHERE state = 'awaiting_upload'
    """,
)

DOWNGRADE = (
    "DROP INDEX imports_awaiting_upload",
    "ALTER TABLE imports DROP COLUMN uploaded_at, DROP COLUMN announced_sha256",
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
