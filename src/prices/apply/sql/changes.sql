-- The fields that change, with their old and new values (NULL: absent).
-- $1: the models as an object, name -> price data.
WITH incoming AS MATERIALIZED (
  SELECT entry.key AS model_name, entry.value AS price_data
    FROM pg_catalog.jsonb_each($1::pg_catalog.jsonb) AS entry
), stored AS (
  SELECT DISTINCT ON (price.model_name COLLATE "C") price.model_name,
         CASE WHEN pg_catalog.jsonb_typeof(price.price_data) = 'object' THEN price.price_data END AS price_data
    FROM public.model_prices AS price
    JOIN incoming ON incoming.model_name COLLATE "C" = price.model_name COLLATE "C"
   ORDER BY price.model_name COLLATE "C", price.source = 'manual' DESC, price.created_at DESC NULLS LAST, price.id DESC
)
SELECT incoming.model_name, field.name, field.old, field.new
  FROM incoming
  LEFT JOIN stored ON stored.model_name COLLATE "C" = incoming.model_name COLLATE "C"
 CROSS JOIN LATERAL (
   SELECT COALESCE(old.key, new.key) AS name, old.value AS old, new.value AS new
     FROM pg_catalog.jsonb_each(stored.price_data) AS old
     FULL JOIN pg_catalog.jsonb_each(incoming.price_data) AS new ON new.key COLLATE "C" = old.key COLLATE "C"
    WHERE old.value IS DISTINCT FROM new.value) AS field
 ORDER BY incoming.model_name COLLATE "C", field.name COLLATE "C"
