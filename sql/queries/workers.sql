-- name: record_worker_heartbeat(id)!
-- Record that the worker is alive now; delete the workers without a heartbeat for a day.
WITH expired AS (
    DELETE FROM workers
    WHERE seen_at < now() - INTERVAL '1 day' AND id <> :id
)

INSERT INTO workers (id, seen_at)
VALUES (:id, now())
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: postpone_import_job(import_id, delay)!
-- Let no worker dequeue the import's job before the delay is over, while another process runs it.
-- Changes nothing if a worker has dequeued it already.
UPDATE queue.pgqueuer
SET execute_after = now() + :delay
WHERE dedupe_key = 'import:' || cast(:import_id AS UUID) AND status = 'queued';

-- name: delete_import_job(import_id)!
-- Remove the queued job of an import that has ended.
DELETE FROM queue.pgqueuer
WHERE dedupe_key = 'import:' || cast(:import_id AS UUID) AND status = 'queued';
