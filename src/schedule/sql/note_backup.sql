-- $1: destination, $2: job, $3: name, $4: bytes, $5: SHA-256 or NULL, $6: manifest or NULL, $7: when it was made,
-- $8: whether it is encrypted, $9: whether it is stored, $10: whether it was found and not made. A backup of other content
-- than the known one is not proven; one that was missing and is back is what it was.
INSERT INTO cch_data.backups AS b
  (destination_id, job_name, name, bytes, sha256, manifest, row_count, made_at, is_encrypted, state, stored_at, is_found)
VALUES ($1, $2, $3, $4, $5, $6,
        (SELECT pg_catalog.sum((t->>'rows')::bigint) FROM pg_catalog.json_array_elements($6::json->'tables') AS t),
        $7, $8, CASE WHEN $9::boolean THEN 'stored' ELSE 'made' END, CASE WHEN $9::boolean THEN now() END, $10)
ON CONFLICT (destination_id, job_name, name) DO UPDATE SET
  bytes = excluded.bytes,
  sha256 = coalesce(excluded.sha256, b.sha256),
  manifest = coalesce(excluded.manifest, b.manifest),
  row_count = coalesce(excluded.row_count, b.row_count),
  state = CASE WHEN b.bytes <> excluded.bytes THEN excluded.state
               WHEN b.state IN ('proven', 'damaged') THEN b.state
               WHEN b.state = 'missing' AND b.proof IS NOT NULL THEN 'proven'
               ELSE excluded.state END,
  stored_at = coalesce(b.stored_at, excluded.stored_at)
