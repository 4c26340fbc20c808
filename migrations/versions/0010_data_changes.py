"""What has changed, by equipment and day: entity tags are made of it.

Writers only ever add to data_changes, so they never wait for each other; upkeep adds its rows up in
data_versions.
"""

from migrations.statements import execute_all

revision = "0010"
down_revision = "0009"

UPGRADE = (
    """
    CREATE TABLE data_changes (
        id bigint GENERATED ALWAYS AS IDENTITY,
        equipment_ids text[] NOT NULL,
        days date[] NOT NULL,
        token bigint NOT NULL,
        CONSTRAINT data_changes_key PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE data_versions (
        equipment_id text NOT NULL,
        day date NOT NULL,
        version bigint NOT NULL,
        CONSTRAINT data_versions_key PRIMARY KEY (equipment_id, day)
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX data_versions_by_day ON data_versions (day)",
)

DOWNGRADE = ("DROP TABLE data_versions", "DROP TABLE data_changes")


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
