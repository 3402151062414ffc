-- $1: run, $2: runner, $3: state, $4: error code, $5: message, $6: name of the backup, $7: bytes, $8: rows, $9: recovery
-- in ms; -1 for numbers that are not known.
UPDATE cch_data.backup_runs
SET state = $3, ended_at = now(), error_code = $4, message = $5, backup_name = coalesce($6, backup_name),
    bytes = nullif($7::bigint, -1), row_count = nullif($8::bigint, -1), recovery_ms = nullif($9::bigint, -1),
    progress = NULL
WHERE id = $1 AND runner = $2 AND state = 'running'
