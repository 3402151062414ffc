-- Stopped while sending: this try does not count.
UPDATE cch_data.notify_queue
SET tries = tries - 1, next_try_at = pg_catalog.clock_timestamp()
WHERE id = $1::pg_catalog.int8 AND state = 'queued'
