"""What readings_1h has not materialised yet, added up as it arrives: partial_hours.

Nothing is rewritten, and nothing is in the new tables until a worker of this release runs. Rows of
data_changes that a server of an earlier release writes are not pending_entered; the trigger tells
the worker of them. enter_written has another parameter, whose default is for those servers too.
"""

from migrations.statements import execute_all

revision = "0027"
down_revision = "0026"

UPGRADE = (
    """
    CREATE TABLE partial_hours (
        equipment_id text NOT NULL,
        bucket timestamptz NOT NULL,
        total_value double precision NOT NULL,
        sample_count bigint NOT NULL,
        minimum double precision NOT NULL,
        maximum double precision NOT NULL,
        first double precision NOT NULL,
        last double precision NOT NULL,
        first_ts timestamptz NOT NULL,
        last_ts timestamptz NOT NULL,
        CONSTRAINT partial_hours_key PRIMARY KEY (equipment_id, bucket)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE partial_hours_range (
        only_row boolean NOT NULL DEFAULT true,
        start_ts timestamptz NOT NULL DEFAULT '-infinity',
        end_ts timestamptz NOT NULL DEFAULT '-infinity',
        announced_end timestamptz NOT NULL DEFAULT '-infinity',
        CONSTRAINT partial_hours_range_key PRIMARY KEY (only_row),
        CONSTRAINT partial_hours_range_only_row CHECK (only_row),
        CONSTRAINT partial_hours_range_in_order CHECK (start_ts <= end_ts)
    )
    """,
    "INSERT INTO partial_hours_range DEFAULT VALUES",
    """
    CREATE TABLE pending_readings (
        equipment_id text NOT NULL,
        ts timestamptz NOT NULL,
        value double precision
    )
    """,
    """
    CREATE INDEX pending_readings_without_value ON pending_readings (equipment_id)
    WHERE value IS NULL
    """,
    "ALTER TABLE data_changes ADD COLUMN pending_entered boolean NOT NULL DEFAULT false",
    # What it does is in sql/definitions/019_ledgers.sql.
    """
    CREATE FUNCTION distrust_partial_hours() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN NULL; END $$
    """,
    """
    CREATE TRIGGER partial_hours_distrusted AFTER INSERT ON data_changes
    REFERENCING NEW TABLE AS entered
    FOR EACH STATEMENT EXECUTE FUNCTION distrust_partial_hours()
    """,
    """
    DROP FUNCTION IF EXISTS enter_written(
        timestamptz [], timestamptz [], text [], date [], integer, boolean, uuid, integer
    )
    """,
)

DOWNGRADE = (
    """
    DROP FUNCTION IF EXISTS enter_written(
        timestamptz [], timestamptz [], text [], date [], integer, boolean, uuid, integer, boolean
    )
    """,
    "DROP TRIGGER partial_hours_distrusted ON data_changes",
    "DROP FUNCTION distrust_partial_hours",
    "ALTER TABLE data_changes DROP COLUMN pending_entered",
    "DROP TABLE pending_readings",
    "DROP TABLE partial_hours_range",
    "DROP TABLE partial_hours",
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
