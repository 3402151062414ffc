-- $1: name of a job or NULL, $2: limit, $3: id of one run, which then has its log, or NULL.
SELECT coalesce(pg_catalog.json_agg(r.run), '[]') FROM (
  SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
           'log', CASE WHEN $3::bigint IS NOT NULL THEN log END))
         || pg_catalog.jsonb_build_object(
           'id', id, 'kind', kind, 'job', job_name, 'backupId', backup_id, 'destinationId', destination_id,
           'state', state, 'askedBy', asked_by, 'tries', tries, 'progress', progress,
           'createdAt', pg_catalog.to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'startedAt', pg_catalog.to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'endedAt', pg_catalog.to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'errorCode', error_code, 'message', message, 'backup', backup_name, 'bytes', bytes, 'rows', row_count,
           'recoveryMs', recovery_ms) AS run
  FROM cch_data.backup_runs
  WHERE ($1::text IS NULL OR job_name = $1) AND ($3::bigint IS NULL OR id = $3)
  ORDER BY id DESC LIMIT $2::bigint) AS r
