-- How fresh the numbers are, and what was imported.

CREATE OR REPLACE VIEW bi.stale_ranges AS
SELECT
    lower(stale.span) AS start_time,
    upper(stale.span) AS end_time
FROM (
    SELECT unnest(range_agg(tstzrange(ranges.range_start, ranges.range_end))) AS span
    FROM public.stale_ranges AS ranges
) AS stale;

COMMENT ON VIEW bi.stale_ranges IS
'The ranges in which rollups and windows may lack late or replaced readings until the worker has '
'refreshed them: the API''s staleRanges, of all time. Without a row every number is exact.';
COMMENT ON COLUMN bi.stale_ranges.start_time IS 'The start of the first hour concerned.';
COMMENT ON COLUMN bi.stale_ranges.end_time IS 'The end of the last hour concerned, exclusive.';

CREATE OR REPLACE VIEW bi.freshness AS
WITH limits AS (
    SELECT
        rollup.name,
        rollup.width,
        public.rollup_watermark(rollup.relation) AS watermark,
        time_bucket(rollup.width, now() - '30 minutes'::interval) AS refresh_limit
    FROM (
        VALUES
        ('1h', 'readings_1h', '1 hour'::interval),
        ('1d', 'readings_1d', '1 day'::interval)
    ) AS rollup (name, relation, width)
),

stale AS (
    SELECT
        count(*) AS ranges,
        min(start_time) AS start_time,
        max(end_time) AS end_time
    FROM bi.stale_ranges
),

pending AS (
    SELECT count(*) AS readings
    FROM public.pending_readings
    WHERE equipment_id <> ''
)

SELECT
    limits.name AS rollup,
    CASE WHEN limits.watermark >= '0001-01-02 00:00:00+00' THEN limits.watermark END
    AS materialised_until,
    coalesce(
        limits.refresh_limit - time_bucket(
            limits.width,
            (
                SELECT min(readings.ts)
                FROM public.readings
                WHERE readings.ts >= limits.watermark AND readings.ts < limits.refresh_limit
            )
        ),
        '0'::interval
    ) AS lag,
    stale.ranges AS stale_ranges,
    stale.start_time AS stale_from,
    stale.end_time AS stale_until,
    pending.readings AS pending_readings
FROM limits
CROSS JOIN stale
CROSS JOIN pending;

COMMENT ON VIEW bi.freshness IS
'One row a rollup. What is not materialised is added up as you ask, so a lag makes queries slower, '
'not wrong; in stale ranges numbers may lack readings.';
COMMENT ON COLUMN bi.freshness.rollup IS '1h (bi.readings_1h) or 1d (bi.readings_1d).';
COMMENT ON COLUMN bi.freshness.materialised_until IS
'Up to when the rollup is materialised; null before the first time.';
COMMENT ON COLUMN bi.freshness.lag IS
'The time from the first bucket with readings that is not materialised to the last bucket boundary '
'at least half an hour ago, up to which it could be; zero if nothing is due.';
COMMENT ON COLUMN bi.freshness.stale_ranges IS
'How many rows bi.stale_ranges has; the same in both rows.';
COMMENT ON COLUMN bi.freshness.stale_from IS
'The start of the first stale range; null without any; the same in both rows.';
COMMENT ON COLUMN bi.freshness.stale_until IS
'The end of the last stale range, exclusive; null without any; the same in both rows.';
COMMENT ON COLUMN bi.freshness.pending_readings IS
'Readings of current hours that came some seconds late and are still added one by one; the same in '
'both rows.';

CREATE OR REPLACE VIEW bi.imports AS
SELECT
    id AS import_id,
    file_name,
    state,
    created_at,
    uploaded_at,
    started_at,
    finished_at,
    size_bytes,
    rows_read,
    rows_inserted,
    rows_replaced,
    rows_unchanged,
    rows_skipped,
    rows_rejected,
    first_ts AS first_time,
    last_ts AS last_time,
    error_code,
    error_message,
    duplicate_of
FROM public.imports;

COMMENT ON VIEW bi.imports IS
'One row an imported file. At every moment rows_read = rows_inserted + rows_replaced + '
'rows_unchanged + rows_skipped + rows_rejected.';
COMMENT ON COLUMN bi.imports.import_id IS 'The id of the import.';
COMMENT ON COLUMN bi.imports.file_name IS 'The name of the file, as its sender said.';
COMMENT ON COLUMN bi.imports.state IS
'awaiting_upload, queued, loading, aggregating, done, failed or cancelled. done: its rows are in '
'every rollup.';
COMMENT ON COLUMN bi.imports.created_at IS 'When the import was asked for.';
COMMENT ON COLUMN bi.imports.uploaded_at IS 'When the file had arrived; null if it has not.';
COMMENT ON COLUMN bi.imports.started_at IS
'When a worker first began to load it; null if none has.';
COMMENT ON COLUMN bi.imports.finished_at IS
'When it was done, failed or cancelled; null until then.';
COMMENT ON COLUMN bi.imports.size_bytes IS 'The size of the file as it was sent, in bytes.';
COMMENT ON COLUMN bi.imports.rows_read IS 'The number of rows read so far.';
COMMENT ON COLUMN bi.imports.rows_inserted IS 'The number of rows that were new.';
COMMENT ON COLUMN bi.imports.rows_replaced IS 'The number of rows that replaced another value.';
COMMENT ON COLUMN bi.imports.rows_unchanged IS
'The number of rows that were stored already with the same value.';
COMMENT ON COLUMN bi.imports.rows_skipped IS
'The number of rows without a value, or left out since a reading of that time was stored.';
COMMENT ON COLUMN bi.imports.rows_rejected IS 'The number of rows that were not valid.';
COMMENT ON COLUMN bi.imports.first_time IS 'The first timestamp among its rows; null without any.';
COMMENT ON COLUMN bi.imports.last_time IS 'The last timestamp among its rows; null without any.';
COMMENT ON COLUMN bi.imports.error_code IS 'Why it failed, as a stable code; null if it has not.';
COMMENT ON COLUMN bi.imports.error_message IS 'Why it failed, in words; null if it has not.';
COMMENT ON COLUMN bi.imports.duplicate_of IS
'An earlier import of the same bytes; null if there is none.';
