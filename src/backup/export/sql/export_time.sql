-- Sets duration ($2, ms) and table size ($3, bytes) of the newest stored export, if its archive has the SHA-256 $1.
UPDATE cch_data.exports SET duration_ms = $2::pg_catalog.int8, relation_bytes = $3::pg_catalog.int8
WHERE id = (SELECT max(id) FROM cch_data.exports) AND archive_sha256 = $1
