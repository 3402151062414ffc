-- Stores a manifest and keeps the newest thousand.
WITH kept AS (
  INSERT INTO cch_data.exports (file_name, archive_sha256, manifest, made_by)
  VALUES ($1, $2, $3::pg_catalog.json, $4)
  RETURNING id
)
DELETE FROM cch_data.exports WHERE id <= (SELECT id - 1000 FROM kept)
