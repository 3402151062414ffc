-- $1: id, $2: name of a job, $3: id of a destination; each may be NULL. Columns as read_backup in backups.c reads them.
SELECT d.name, b.job_name, b.name, b.sha256, b.state, b.proof,
       pg_catalog.to_char(b.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       pg_catalog.to_char(b.stored_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       pg_catalog.to_char(b.verified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       pg_catalog.to_char(b.proven_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       b.problem, b.id, b.destination_id, pg_catalog.floor(extract(epoch FROM b.made_at))::bigint, b.bytes, b.row_count,
       b.recovery_ms, b.manifest IS NOT NULL, b.is_encrypted, b.is_pinned, b.is_found
FROM cch_data.backups AS b
LEFT JOIN cch_data.backup_destinations AS d ON d.id = b.destination_id
WHERE ($1::bigint IS NULL OR b.id = $1) AND ($2::text IS NULL OR b.job_name = $2)
  AND ($3::bigint IS NULL OR b.destination_id = $3)
ORDER BY b.made_at DESC, b.id DESC
