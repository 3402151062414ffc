-- $1: runner, $2: id of the run, or NULL for the oldest. Backups go before their proofs.
UPDATE cch_data.backup_runs
SET state = 'running', runner = $1, tries = tries + 1, alive_at = now(), started_at = now(), progress = NULL,
    error_code = NULL, message = NULL
WHERE id = (SELECT id FROM cch_data.backup_runs
            WHERE state = 'queued' AND ($2::bigint IS NULL OR id = $2)
              AND NOT EXISTS (SELECT FROM cch_data.backup_runs WHERE state = 'running')
            ORDER BY kind <> 'backup', id LIMIT 1
            FOR UPDATE)
RETURNING id, kind, job_id, job_name, backup_id, destination_id, asked_by, tries
