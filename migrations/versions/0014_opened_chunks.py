"""The chunks of the columnstore that imports have written to, until they are whole again."""

from migrations.statements import execute_all

revision = "0014"
down_revision = "0013"

UPGRADE = (
    """
    CREATE TABLE opened_chunks (
        id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        range_start timestamptz NOT NULL,
        import_id uuid,
        CONSTRAINT opened_chunks_key PRIMARY KEY (id),
        CONSTRAINT opened_chunks_import
        FOREIGN KEY (import_id) REFERENCES imports (id) ON DELETE SET NULL
    )
    """,
    "CREATE INDEX opened_chunks_by_import ON opened_chunks (import_id)",
)

DOWNGRADE = ("DROP TABLE opened_chunks",)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
