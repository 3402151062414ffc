-- Replaces all rows of each model by one. $1: the models as an object, name -> price data. $2: their source.
WITH incoming AS MATERIALIZED (
  SELECT entry.key AS model_name, entry.value::pg_catalog.jsonb AS price_data
    FROM pg_catalog.json_each($1::pg_catalog.json) AS entry
), replaced AS (
  DELETE FROM public.model_prices AS price
   USING incoming
   WHERE price.model_name = incoming.model_name
)
INSERT INTO public.model_prices (model_name, price_data, source, created_at, updated_at)
SELECT model_name, price_data, $2, pg_catalog.now(), pg_catalog.now()
  FROM incoming
