-- A stored manifest, by its number or by its archive's SHA-256.
SELECT e.file_name, e.manifest
  FROM cch_data.exports e
 WHERE e.id::text = $1 OR e.archive_sha256 = $1
 ORDER BY e.id DESC
 LIMIT 1
