"""Materialise an hour half an hour after its end, no longer two: queries add up less raw.

Why half an hour is safe: sql/definitions/010_rollups.sql.
"""

from migrations.statements import execute_all

revision = "0019"
down_revision = "0018"

SET_END = """
    SELECT alter_job(job_id, config => jsonb_set(config, '{{end_offset}}', '"{offset}"'))
    FROM timescaledb_information.jobs
    WHERE
        proc_name = 'policy_refresh_continuous_aggregate'
        AND (config ->> 'mat_hypertable_id')::integer IN (
            SELECT mat_hypertable_id
            FROM _timescaledb_catalog.continuous_agg
            WHERE user_view_name IN ('readings_1h', 'readings_1d')
        )
"""


def upgrade() -> None:
    execute_all([SET_END.format(offset="30 minutes")])


def downgrade() -> None:
    execute_all([SET_END.format(offset="2 hours")])
