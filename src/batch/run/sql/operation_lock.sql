SELECT changes, expires_at < now(), undone_by FROM cch_data.operations
WHERE id = $1 AND changes IS NOT NULL FOR NO KEY UPDATE
