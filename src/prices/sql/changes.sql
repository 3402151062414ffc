-- The fields that change, with their old and new values (NULL: not there), and whether a cost moves suspiciously.
-- $1: the models as an object, name → price data.
WITH incoming AS MATERIALIZED (
  SELECT entry.key AS model_name, entry.value AS price_data
    FROM pg_catalog.jsonb_each($1::pg_catalog.jsonb) AS entry
), stored AS (
  SELECT DISTINCT ON (price.model_name COLLATE "C") price.model_name,
         CASE WHEN pg_catalog.jsonb_typeof(price.price_data) = 'object' THEN price.price_data END AS price_data
    FROM public.model_prices AS price
    JOIN incoming ON incoming.model_name COLLATE "C" = price.model_name COLLATE "C"
   ORDER BY price.model_name COLLATE "C", price.source = 'manual' DESC, price.created_at DESC NULLS LAST, price.id DESC
), fields AS (
  SELECT incoming.model_name, field.name, field.old, field.new,
         pg_catalog.jsonb_typeof(field.old) = 'number' AND pg_catalog.jsonb_typeof(field.new) = 'number'
           AND field.name ~* '(^|_)(costs?|prices?)(_|$)' AS is_cost
    FROM incoming
    LEFT JOIN stored ON stored.model_name COLLATE "C" = incoming.model_name COLLATE "C"
   CROSS JOIN LATERAL (
     SELECT COALESCE(old.key, new.key) AS name, old.value AS old, new.value AS new
       FROM pg_catalog.jsonb_each(stored.price_data) AS old
       FULL JOIN pg_catalog.jsonb_each(incoming.price_data) AS new ON new.key COLLATE "C" = old.key COLLATE "C"
      WHERE old.value IS DISTINCT FROM new.value) AS field
), numbers AS (
  SELECT fields.*, CASE WHEN is_cost THEN old::pg_catalog.text::pg_catalog.numeric END AS old_number,
         CASE WHEN is_cost THEN new::pg_catalog.text::pg_catalog.numeric END AS new_number
    FROM fields
)
SELECT model_name, name, old, new,
       CASE WHEN old_number > 0 AND new_number = 0 THEN 'zero'
            WHEN old_number > 0 AND (new_number > old_number * 10 OR new_number * 10 < old_number) THEN 'tenfold'
       END
  FROM numbers
 ORDER BY model_name COLLATE "C", name COLLATE "C"
