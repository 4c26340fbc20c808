-- name: finished_among(ids, final_states)
-- Those of the ids whose import is in a final state or does not exist.
SELECT asked.id
FROM unnest(cast(:ids AS uuid[])) AS asked (id)
LEFT JOIN imports ON asked.id = imports.id
WHERE imports.id IS NULL OR imports.state = any(:final_states);
