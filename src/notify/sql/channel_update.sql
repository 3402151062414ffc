UPDATE cch_data.notify_channels
SET name = $1, type = $2, is_enabled = $3, language = $4, kinds = $5, settings = $6, target = $7, secret_names = $8,
    sealed = $9, updated_at = pg_catalog.now()
WHERE id = $10::pg_catalog.int4
RETURNING id
