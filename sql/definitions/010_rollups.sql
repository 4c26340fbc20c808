-- The two limits of the rollups, in one place; docs/decisions/0002-two-limits-of-rollups.md says why
-- no row can be missed between them.

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
-- ahead of that, and the views of timescaledb_information cost ten times as much. In PL/pgSQL it is
-- planned once a session; in SQL once a query, which takes several times as long as the look-up.
CREATE OR REPLACE FUNCTION rollup_watermark(rollup text) RETURNS timestamptz
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT _timescaledb_functions.to_timestamp(watermarks.watermark)
        FROM _timescaledb_catalog.continuous_aggs_watermark AS watermarks
        INNER JOIN _timescaledb_catalog.continuous_agg AS rollups
            ON watermarks.mat_hypertable_id = rollups.mat_hypertable_id
        WHERE rollups.user_view_schema = 'public' AND rollups.user_view_name = rollup
    );
END
$$;
