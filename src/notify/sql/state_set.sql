-- $4: somebody was told now.
UPDATE cch_data.notify_states
SET is_bad = $3::pg_catalog.bool,
    since = CASE WHEN is_bad = $3::pg_catalog.bool THEN since ELSE pg_catalog.clock_timestamp() END,
    told_at = CASE WHEN NOT $3::pg_catalog.bool THEN NULL WHEN $4::pg_catalog.bool THEN pg_catalog.clock_timestamp()
              ELSE told_at END
WHERE subject = $1 AND kind = $2
