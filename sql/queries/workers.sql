-- name: worker_seen(id)!
-- Note that the worker is alive now, and forget the workers that have been silent for a day.
WITH forgotten AS (
    DELETE FROM workers
    WHERE seen_at < now() - INTERVAL '1 day' AND id <> :id
)

INSERT INTO workers AS known (id, seen_at)
VALUES (:id, now())
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;
