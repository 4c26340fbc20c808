-- name: random_audit_day()$
-- A random UTC day whose rollups can be compared with the readings; null if there is none.
SELECT time_bucket('1 day', chunks.range_start + random() * (chunks.range_end - chunks.range_start))
FROM timescaledb_information.chunks
WHERE
    chunks.hypertable_name = 'readings'
    AND chunks.range_end <= rollup_refresh_limit('1 day') + interval '7 days'
ORDER BY random()
LIMIT 1;

-- name: enter_dirty_range(range_start, range_end)!
-- Have the rollups refreshed between two timestamps.
INSERT INTO rollup_dirty_ranges (range_start, range_end)
VALUES (:range_start, :range_end);

-- name: count_audit(wrong_buckets, day)!
-- Count an audited day and its wrong buckets; when that was, and of wrong ones also which day.
INSERT INTO rollup_audits AS account (days, wrong_buckets, audited_at, wrong_at, wrong_day)
SELECT
    1 AS days,
    found.wrong_buckets,
    now() AS audited_at,
    CASE WHEN found.wrong_buckets > 0 THEN now() END AS wrong_at,
    CASE WHEN found.wrong_buckets > 0 THEN :day::timestamptz END AS wrong_day
FROM (SELECT :wrong_buckets::bigint AS wrong_buckets) AS found
ON CONFLICT (only_row) DO UPDATE
    SET
        days = account.days + 1,
        wrong_buckets = account.wrong_buckets + excluded.wrong_buckets,
        audited_at = excluded.audited_at,
        wrong_at = coalesce(excluded.wrong_at, account.wrong_at),
        wrong_day = coalesce(excluded.wrong_day, account.wrong_day);

-- name: audit_counts()^
-- The total of audited days and of wrong buckets, when the last was audited, and when and on which day
-- there were wrong ones last; no row before the first audit.
SELECT
    days,
    wrong_buckets,
    audited_at,
    wrong_at,
    wrong_day
FROM rollup_audits;
