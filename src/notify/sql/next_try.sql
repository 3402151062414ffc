-- Seconds until claim.sql can take a message; NULL: none waits. $1: channels to leave out.
SELECT pg_catalog.date_part('epoch', pg_catalog.min(q.next_try_at) - pg_catalog.clock_timestamp())
FROM cch_data.notify_queue q
JOIN cch_data.notify_channels c ON c.id = q.channel_id
WHERE q.state = 'queued' AND c.is_enabled AND q.channel_id <> ALL ($1::pg_catalog.int4[])
  AND NOT EXISTS (SELECT FROM cch_data.notify_queue e
                  WHERE e.channel_id = q.channel_id AND e.state = 'queued' AND e.id < q.id)
