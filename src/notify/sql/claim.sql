-- Takes the oldest message of a channel for two minutes, in which no other instance sends it. $1: channels to leave out.
UPDATE cch_data.notify_queue q
SET tries = q.tries + 1, next_try_at = pg_catalog.clock_timestamp() + interval '2 minutes'
WHERE q.id = (
  SELECT w.id
  FROM cch_data.notify_queue w
  JOIN cch_data.notify_channels c ON c.id = w.channel_id
  WHERE w.state = 'queued' AND w.next_try_at <= pg_catalog.clock_timestamp() AND c.is_enabled
    AND w.channel_id <> ALL ($1::pg_catalog.int4[])
    AND NOT EXISTS (SELECT FROM cch_data.notify_queue e
                    WHERE e.channel_id = w.channel_id AND e.state = 'queued' AND e.id < w.id)
  ORDER BY w.next_try_at
  LIMIT 1
  FOR UPDATE OF w SKIP LOCKED)
RETURNING q.id, q.channel_id, q.subject, q.kind, q.mood, q.host, pg_catalog.current_database(),
          pg_catalog.date_part('epoch', q.since)::pg_catalog.int8, pg_catalog.date_part('epoch', q.made_at)::pg_catalog.int8, q.details, q.tries,
          q.error
