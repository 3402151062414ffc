-- $1: kind, $2: job, $3: its name, $4: backup, $5: destination, $6: who asked. The id of the new run.
INSERT INTO cch_data.backup_runs (kind, job_id, job_name, backup_id, destination_id, state, asked_by)
VALUES ($1, $2::bigint, $3, $4::bigint, $5::bigint, 'queued', $6)
RETURNING id
