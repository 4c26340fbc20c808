-- name: worker_seen(id)!
-- Note that the worker is alive now, and forget the workers that have been silent for a day.
WITH forgotten AS (
    DELETE FROM workers
    WHERE seen_at < now() - INTERVAL '1 day' AND id <> :id
)

INSERT INTO workers AS known (id, seen_at)
VALUES (:id, now())
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: put_off_import_job(import_id, delay)!
-- Let no worker take up the import before the delay is over: somebody else is at it. Changes
-- nothing where a worker has it already.
UPDATE queue.pgqueuer
SET execute_after = now() + :delay
WHERE dedupe_key = 'import:' || cast(:import_id AS UUID) AND status = 'queued';

-- name: withdraw_import_job(import_id)!
-- The import has ended, so no worker needs to look at it.
DELETE FROM queue.pgqueuer
WHERE dedupe_key = 'import:' || cast(:import_id AS UUID) AND status = 'queued';
