-- $1: run. A queued one ends at once.
UPDATE cch_data.backup_runs
SET is_cancelled = TRUE,
    ended_at = CASE WHEN state = 'queued' THEN now() END,
    state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
WHERE id = $1 AND state IN ('queued', 'running')
