-- How far the rollups reach, in one place.
--
-- Rows above a rollup's watermark are seen by real-time aggregation; a row below it is unseen until
-- a refresh covers it, so it must be in the ledger rollup_dirty_ranges. Whether a row is below the
-- watermark is not known while its transaction runs: a refresh may move the watermark meanwhile.
-- Hence the two limits. A refresh that misses a row took its snapshot before the row was committed
-- and ended at least half an hour before that snapshot; a row that is not late is at most a quarter
-- of an hour older than the statement that looks. So no row can be missed unless its transaction
-- goes on for a quarter of an hour after that, which no writer here is given time for. A
-- conservative entry costs a refresh of buckets that were right already, and what lies above the
-- first limit is added up from raw rows by each query: half an hour to one and a half.
--
-- Nor may a refresh move the watermark beyond hours that nobody has materialised: policies take the
-- oldest hours first, and the worker enters what lies before the ranges of the ledger there, too.

CREATE OR REPLACE FUNCTION rollup_refresh_limit(bucket_width interval) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$ SELECT time_bucket(bucket_width, now() - INTERVAL '30 minutes') $$;

COMMENT ON FUNCTION rollup_refresh_limit IS
'No refresh reaches beyond this moment, so no rollup is ever materialised past it.';

CREATE OR REPLACE FUNCTION late_before() RETURNS timestamptz
LANGUAGE sql VOLATILE
AS $$ SELECT clock_timestamp() - INTERVAL '15 minutes' $$;

COMMENT ON FUNCTION late_before IS
'Rows older than this are entered into rollup_dirty_ranges by the transaction that writes them.';

-- The moment up to which a rollup answers from materialised buckets (before all time: nothing yet),
-- as the statement's snapshot has it: _timescaledb_functions.cagg_watermark() may be ahead of that.
-- It reads the catalog itself: timescaledb_information costs ten times as much.
CREATE OR REPLACE FUNCTION rollup_watermark(rollup text) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT _timescaledb_functions.to_timestamp(watermarks.watermark)
    FROM _timescaledb_catalog.continuous_aggs_watermark AS watermarks
    INNER JOIN _timescaledb_catalog.continuous_agg AS rollups
        ON watermarks.mat_hypertable_id = rollups.mat_hypertable_id
    WHERE rollups.user_view_schema = 'public' AND rollups.user_view_name = rollup
$$;
