-- Removes the cloud rows of the models $1 (names) and returns them for the audit log.
WITH removed AS (
  DELETE FROM public.model_prices
   WHERE source <> 'manual' AND model_name = ANY ($1::pg_catalog.text[])
  RETURNING model_name, price_data
)
SELECT pg_catalog.jsonb_object_agg(model_name, price_data) FROM removed
