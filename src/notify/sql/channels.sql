-- The channels, or the one with the id $1: as JSON, without what is sealed.
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
         'id', c.id, 'name', c.name, 'type', c.type, 'enabled', c.is_enabled, 'language', c.language, 'kinds', c.kinds,
         'settings', c.settings, 'secrets', c.secret_names, 'target', c.target,
         'createdAt', pg_catalog.to_char(c.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
         'updatedAt', pg_catalog.to_char(c.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
         'last', (SELECT pg_catalog.json_build_object(
                    'state', q.state, 'error', q.error,
                    'at', pg_catalog.to_char(coalesce(q.ended_at, q.made_at) AT TIME ZONE 'UTC',
                                             'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
                  FROM cch_data.notify_queue q
                  WHERE q.channel_id = c.id
                  ORDER BY q.id DESC
                  LIMIT 1)) ORDER BY c.id), '[]')
FROM cch_data.notify_channels c
WHERE $1::pg_catalog.int4 IS NULL OR c.id = $1::pg_catalog.int4
