-- $1: kind, $2: job, $3: its name, $4: backup, $5: destination, $6: who asked. The id of the new run, or of the same
-- one if it waits already.
WITH waiting AS (
  SELECT id FROM cch_data.backup_runs
  WHERE state = 'queued' AND kind = $1 AND job_id IS NOT DISTINCT FROM $2::bigint
    AND backup_id IS NOT DISTINCT FROM $4::bigint AND destination_id IS NOT DISTINCT FROM $5::bigint
  ORDER BY id LIMIT 1
), added AS (
  INSERT INTO cch_data.backup_runs (kind, job_id, job_name, backup_id, destination_id, state, asked_by)
  SELECT $1, $2::bigint, $3, $4::bigint, $5::bigint, 'queued', $6 WHERE NOT EXISTS (SELECT FROM waiting)
  RETURNING id
)
SELECT id FROM waiting UNION ALL SELECT id FROM added
