INSERT INTO cch_data.notify_channels (name, type, is_enabled, language, kinds, settings, target, secret_names, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id
