-- The changes that were rejected with exactly these values. $1: the models as an object, name -> price data.
SELECT held.model_name
  FROM cch_data.price_held AS held
  JOIN pg_catalog.jsonb_each($1::pg_catalog.jsonb) AS entry ON entry.key COLLATE "C" = held.model_name COLLATE "C"
 WHERE held.rejected_at IS NOT NULL AND held.price_data = entry.value
