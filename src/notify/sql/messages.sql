-- The newest messages as JSON.
SELECT coalesce(pg_catalog.json_agg(m.message ORDER BY m.id DESC), '[]')
FROM (
  SELECT q.id, pg_catalog.json_build_object(
           'id', q.id, 'channelId', q.channel_id, 'channel', c.name, 'subject', q.subject, 'kind', q.kind,
           'mood', q.mood, 'state', q.state, 'tries', q.tries, 'error', q.error, 'details', q.details,
           'since', pg_catalog.to_char(q.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'madeAt', pg_catalog.to_char(q.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'endedAt', pg_catalog.to_char(q.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'nextTryAt', CASE WHEN q.state = 'queued' THEN
                          pg_catalog.to_char(q.next_try_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END) AS message
  FROM cch_data.notify_queue q
  JOIN cch_data.notify_channels c ON c.id = q.channel_id
  ORDER BY q.id DESC
  LIMIT 100) m
