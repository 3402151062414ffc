SELECT 'cch_data_messages', 'state', s.state, NULL, NULL, pg_catalog.count(q.id)
FROM (VALUES ('queued'), ('failed')) s (state)
LEFT JOIN cch_data.notify_queue q
  ON q.state = s.state AND (q.state = 'queued' OR q.made_at > pg_catalog.now() - interval '1 day')
GROUP BY s.state
