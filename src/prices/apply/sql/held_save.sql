-- Stores the changes that were held back and removes all others. $1: an object, name -> price data. $2: an object, name ->
-- reasons; a model without reasons keeps those it has.
WITH incoming AS MATERIALIZED (
  SELECT entry.key AS model_name, entry.value AS price_data
    FROM pg_catalog.jsonb_each($1::pg_catalog.jsonb) AS entry
), forgotten AS (
  DELETE FROM cch_data.price_held AS held
   WHERE NOT EXISTS (SELECT FROM incoming WHERE incoming.model_name COLLATE "C" = held.model_name COLLATE "C")
)
INSERT INTO cch_data.price_held AS held (model_name, price_data, reasons)
SELECT model_name, price_data, COALESCE($2::pg_catalog.jsonb -> model_name, '[]') FROM incoming
    ON CONFLICT (model_name) DO UPDATE SET
       price_data = excluded.price_data,
       reasons = CASE WHEN excluded.reasons = '[]' THEN held.reasons ELSE excluded.reasons END,
       held_at = CASE WHEN held.price_data = excluded.price_data THEN held.held_at ELSE pg_catalog.now() END,
       rejected_at = CASE WHEN held.price_data = excluded.price_data THEN held.rejected_at END,
       rejected_by = CASE WHEN held.price_data = excluded.price_data THEN held.rejected_by END
