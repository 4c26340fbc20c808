"""Who refreshes the rollups, when it last said so, and which processes of the server serve it.

It takes the place of an advisory lock, which every login of the database could hold.
"""

from migrations.statements import execute_all

revision = "0024"
down_revision = "0023"

UPGRADE = (
    """
    CREATE TABLE refresh_lease (
        only_row boolean NOT NULL DEFAULT true,
        holder uuid NOT NULL,
        renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        backend_pids integer [] NOT NULL,
        CONSTRAINT refresh_lease_key PRIMARY KEY (only_row),
        CONSTRAINT refresh_lease_only_row CHECK (only_row)
    )
    """,
)

DOWNGRADE = ("DROP TABLE refresh_lease",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
