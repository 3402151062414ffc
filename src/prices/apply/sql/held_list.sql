-- The held changes as JSON for API and command line, waiting ones first.
SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
         'modelName', held.model_name,
         'status', CASE WHEN held.rejected_at IS NULL THEN 'waiting' ELSE 'rejected' END,
         'heldAt', pg_catalog.to_char(held.held_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'rejectedAt', pg_catalog.to_char(held.rejected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'rejectedBy', held.rejected_by, 'changes', held.reasons, 'priceData', held.price_data)
         ORDER BY held.rejected_at IS NOT NULL, held.model_name COLLATE "C"), '[]')
  FROM cch_data.price_held AS held
