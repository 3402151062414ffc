-- Gives up what is a day old, and forgets what is older than a month.
WITH old AS (
  DELETE FROM cch_data.notify_queue
  WHERE state <> 'queued' AND made_at < pg_catalog.clock_timestamp() - interval '30 days'
)
UPDATE cch_data.notify_queue
SET state = 'failed', ended_at = pg_catalog.clock_timestamp(), error = coalesce(error, 'the channel was off for a day')
WHERE state = 'queued' AND made_at < pg_catalog.clock_timestamp() - interval '1 day'
  AND next_try_at <= pg_catalog.clock_timestamp()
