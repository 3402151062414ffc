-- Switches on what was only offered.
UPDATE cch_data.backup_jobs SET is_enabled = TRUE, is_offered = FALSE, enabled_at = now(), handled_at = now()
WHERE is_offered
