"""The workers that are alive, so that readiness can tell whether anyone takes jobs."""

from migrations.statements import execute_all

revision = "0004"
down_revision = "0003"

UPGRADE = (
    """
    CREATE TABLE workers (
        id uuid NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT workers_key PRIMARY KEY (id)
    )
    """,
)

DOWNGRADE = ("DROP TABLE workers",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
