-- $1: id, $2: whether it is switched on, $3: settings. A job that is switched on again, or gets another schedule, catches
-- nothing up.
UPDATE cch_data.backup_jobs
SET is_enabled = $2, enabled_at = CASE WHEN is_enabled THEN enabled_at WHEN $2 THEN now() END, is_offered = FALSE, settings = $3, next_at = NULL,
    handled_at = CASE WHEN is_enabled AND settings->>'schedule' = $3::jsonb->>'schedule'
                           AND settings->>'timeZone' IS NOT DISTINCT FROM $3::jsonb->>'timeZone'
                      THEN handled_at ELSE now() END
WHERE id = $1
