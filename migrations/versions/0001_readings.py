"""Readings hypertable, its columnstore, the two rollups and their policies.

Rollup definitions are near-frozen, so all six statistics are there from the start. Sums and counts
add up; an average is always their quotient and is never stored.
"""

from migrations.statements import execute_all

revision = "0001"
down_revision = None

UPGRADE = (
    """
    CREATE TABLE readings (
        equipment_id text NOT NULL,
        ts timestamptz NOT NULL,
        value double precision NOT NULL,
        register_time timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT readings_key PRIMARY KEY (equipment_id, ts),
        CONSTRAINT readings_equipment_id_length
        CHECK (char_length(equipment_id) BETWEEN 1 AND 255),
        CONSTRAINT readings_value_in_range CHECK (
            value = 0
            OR abs(value) BETWEEN '1e-290'::double precision AND '1e300'::double precision
        )
    )
    """,
    "SELECT create_hypertable('readings', by_range('ts', INTERVAL '7 days'))",
    """
    ALTER TABLE readings SET (
        timescaledb.enable_columnstore = true,
        timescaledb.segmentby = 'equipment_id',
        timescaledb.orderby = 'ts DESC'
    )
    """,
    "CALL add_columnstore_policy('readings', after => INTERVAL '45 days')",
    """
    CREATE MATERIALIZED VIEW readings_1h
    WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT
        equipment_id,
        time_bucket(INTERVAL '1 hour', ts) AS bucket,
        sum(value) AS total_value,
        count(*) AS sample_count,
        min(value) AS minimum,
        max(value) AS maximum,
        first(value, ts) AS first,
        last(value, ts) AS last
    FROM readings
    GROUP BY equipment_id, time_bucket(INTERVAL '1 hour', ts)
    WITH NO DATA
    """,
    """
    CREATE MATERIALIZED VIEW readings_1d
    WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT
        equipment_id,
        time_bucket(INTERVAL '1 day', bucket) AS bucket,
        sum(total_value) AS total_value,
        sum(sample_count)::bigint AS sample_count,
        min(minimum) AS minimum,
        max(maximum) AS maximum,
        first(first, bucket) AS first,
        last(last, bucket) AS last
    FROM readings_1h
    GROUP BY equipment_id, time_bucket(INTERVAL '1 day', bucket)
    WITH NO DATA
    """,
    # The window is longer than the longest dashboard window; rows older than that reach the
    # rollups through rollup_dirty_ranges. Why two hours: sql/definitions/010_rollups.sql.
    """
    SELECT add_continuous_aggregate_policy(
        'readings_1h',
        start_offset => INTERVAL '40 days',
        end_offset => INTERVAL '2 hours',
        schedule_interval => INTERVAL '10 minutes'
    )
    """,
    """
    SELECT add_continuous_aggregate_policy(
        'readings_1d',
        start_offset => INTERVAL '45 days',
        end_offset => INTERVAL '2 hours',
        schedule_interval => INTERVAL '1 hour'
    )
    """,
)

DOWNGRADE = (
    "DROP MATERIALIZED VIEW readings_1d",
    "DROP MATERIALIZED VIEW readings_1h",
    "DROP TABLE readings",
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
