-- What is known of the workers.

-- fragment: is_present()
-- Whether the worker is there: it sends a heartbeat every five seconds.
seen_at > now() - interval '30 seconds'
