-- The two limits of the rollups, in one place.
--
-- Real-time aggregation includes rows above a rollup's watermark. A row below it is missing until a
-- refresh covers it, so it must be in the ledger rollup_dirty_ranges. Whether a row is below the
-- watermark is unknown while its transaction runs, as a refresh may move the watermark meanwhile.
-- Hence the two limits. A refresh that misses a row took its snapshot before the row was committed,
-- and its range ended at least half an hour before that snapshot. A row that is not late is at most
-- a quarter of an hour older than the statement that checks it. So a row can be missed only if its
-- transaction runs for another quarter of an hour, and every writer here has a shorter timeout. An
-- entry that was not needed costs a refresh of buckets that were right already. Each query
-- aggregates what lies above the first limit from raw rows: half an hour to one and a half.
--
-- Nor may a refresh move the watermark past hours that were never materialised. The policies refresh
-- the oldest hours first, and the worker enters such hours before the ledger's ranges as well.

CREATE OR REPLACE FUNCTION rollup_refresh_limit(bucket_width interval) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$ SELECT time_bucket(bucket_width, now() - INTERVAL '30 minutes') $$;

COMMENT ON FUNCTION rollup_refresh_limit IS
'No refresh goes beyond this timestamp, so no rollup is ever materialised past it.';

CREATE OR REPLACE FUNCTION late_before() RETURNS timestamptz
LANGUAGE sql VOLATILE
AS $$ SELECT clock_timestamp() - INTERVAL '15 minutes' $$;

COMMENT ON FUNCTION late_before IS
'A transaction that writes rows older than this enters their ranges into rollup_dirty_ranges.';

-- The watermark up to which a rollup's buckets are materialised; before all time without any. It is
-- read from the catalog in the statement's snapshot: _timescaledb_functions.cagg_watermark() may be
-- ahead of that, and the views of timescaledb_information cost ten times as much.
CREATE OR REPLACE FUNCTION rollup_watermark(rollup text) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT _timescaledb_functions.to_timestamp(watermarks.watermark)
    FROM _timescaledb_catalog.continuous_aggs_watermark AS watermarks
    INNER JOIN _timescaledb_catalog.continuous_agg AS rollups
        ON watermarks.mat_hypertable_id = rollups.mat_hypertable_id
    WHERE rollups.user_view_schema = 'public' AND rollups.user_view_name = rollup
$$;
