"""What people say of equipment; what its readings say of it is not stored twice."""

from migrations.statements import execute_all

revision = "0009"
down_revision = "0008"

UPGRADE = (
    """
    CREATE TABLE equipment (
        id text NOT NULL,
        name text,
        unit text,
        location text,
        zone text,
        expected_period_seconds double precision,
        CONSTRAINT equipment_key PRIMARY KEY (id),
        CONSTRAINT equipment_expected_period CHECK (expected_period_seconds > 0)
    )
    """,
)

DOWNGRADE = ("DROP TABLE equipment",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
