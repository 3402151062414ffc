SELECT name, type, is_enabled, language, pg_catalog.to_json(kinds), settings, target, pg_catalog.to_json(secret_names),
       sealed
FROM cch_data.notify_channels
WHERE id = $1::pg_catalog.int4
FOR NO KEY UPDATE
