-- Seconds until a message is due; NULL: none waits.
SELECT pg_catalog.date_part('epoch', pg_catalog.min(q.next_try_at) - pg_catalog.clock_timestamp())
FROM cch_data.notify_queue q
JOIN cch_data.notify_channels c ON c.id = q.channel_id
WHERE q.state = 'queued' AND c.is_enabled
