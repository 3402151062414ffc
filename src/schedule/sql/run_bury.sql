-- Runs whose runner has given no sign of life for $1 seconds: queued again, or failed after $2 such runners. Old records
-- of ended runs go.
WITH gone AS (
  DELETE FROM cch_data.backup_runs
  WHERE state IN ('succeeded', 'failed', 'cancelled') AND ended_at < now() - interval '400 days'
)
UPDATE cch_data.backup_runs
SET state = CASE WHEN is_cancelled THEN 'cancelled' WHEN tries < $2::integer THEN 'queued' ELSE 'failed' END,
    ended_at = CASE WHEN is_cancelled OR tries >= $2::integer THEN now() END,
    error_code = 'backup.runner_died',
    message = 'the process that ran it ended or could not reach the database',
    runner = NULL
WHERE state = 'running' AND alive_at < now() - pg_catalog.make_interval(secs => $1::float8)
