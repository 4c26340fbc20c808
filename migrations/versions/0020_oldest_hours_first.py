"""Let the policies materialise the oldest hours first.

They work in batches of ten buckets, a transaction each, and the newest first unless told otherwise.
A batch moves the watermark to its end, so after an outage of more than ten hours the hours of the
batches to come lay below the watermark but were not materialised: missing in every answer until the
last batch was done, with nothing to tell so.
"""

from migrations.statements import execute_all

revision = "0020"
down_revision = "0019"

SET_ORDER = """
    SELECT alter_job(job_id, config => {config})
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
    execute_all([SET_ORDER.format(config="""config || '{"refresh_newest_first": false}'""")])


def downgrade() -> None:
    execute_all([SET_ORDER.format(config="config - 'refresh_newest_first'")])
