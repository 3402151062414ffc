-- Of the export that was kept last, if it is the one with SHA-256 $1: how long it took ($2, ms), the size of its tables ($3).
UPDATE cch_data.exports SET duration_ms = $2::pg_catalog.int8, relation_bytes = $3::pg_catalog.int8
WHERE id = (SELECT max(id) FROM cch_data.exports) AND archive_sha256 = $1
