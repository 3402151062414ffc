-- Removes the cloud's rows of these models and tells what they were, for the audit. $1: names.
WITH removed AS (
  DELETE FROM public.model_prices
   WHERE source <> 'manual' AND model_name = ANY ($1::pg_catalog.text[])
  RETURNING model_name, price_data
)
SELECT pg_catalog.jsonb_object_agg(model_name, price_data) FROM removed
