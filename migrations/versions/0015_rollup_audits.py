"""How many days were audited, and how many buckets found wrong, by whatever process."""

from migrations.statements import execute_all

revision = "0015"
down_revision = "0014"

UPGRADE = (
    """
    CREATE TABLE rollup_audits (
        only_row boolean NOT NULL DEFAULT true,
        days bigint NOT NULL,
        wrong_buckets bigint NOT NULL,
        CONSTRAINT rollup_audits_key PRIMARY KEY (only_row),
        CONSTRAINT rollup_audits_only_row CHECK (only_row)
    )
    """,
)

DOWNGRADE = ("DROP TABLE rollup_audits",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
