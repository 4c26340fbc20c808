"""Who wants to hear of changes: writers notify only while somebody does.

A transaction that notifies commits alone, one after the other, so nobody pays for it unasked.
"""

from migrations.statements import execute_all

revision = "0016"
down_revision = "0015"

UPGRADE = (
    """
    CREATE TABLE live_listeners (
        id uuid NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT live_listeners_key PRIMARY KEY (id)
    )
    """,
    # What it does is in sql/definitions/017_live.sql.
    """
    CREATE FUNCTION notify_changes() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN NULL; END $$
    """,
    """
    CREATE TRIGGER data_changes_notified AFTER INSERT ON data_changes
    REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION notify_changes()
    """,
)

DOWNGRADE = (
    "DROP TRIGGER data_changes_notified ON data_changes",
    "DROP FUNCTION notify_changes",
    "DROP TABLE live_listeners",
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
