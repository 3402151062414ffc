-- One message for every channel that wants this kind; $4 NULL: since now.
INSERT INTO cch_data.notify_queue (channel_id, subject, kind, mood, since, host, details, made_at, next_try_at)
SELECT id, $1, $2, $3, coalesce($4::pg_catalog.timestamptz, pg_catalog.clock_timestamp()), $5, $6::pg_catalog.jsonb,
       pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp()
FROM cch_data.notify_channels
WHERE is_enabled AND $2 = ANY (kinds)
ORDER BY id
