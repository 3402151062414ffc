-- The state as it was, locked until the end of the transaction. TRUE in the last column: the last message is a day old.
SELECT is_bad, since, told_at IS NOT NULL,
       coalesce(told_at < pg_catalog.clock_timestamp() - interval '23 hours', false)
FROM cch_data.notify_states
WHERE subject = $1 AND kind = $2
FOR UPDATE
