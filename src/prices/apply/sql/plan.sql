-- The action for each model of a new table; unchanged models have no row.
-- $1: the models as an object, name -> price data. $2: the new source, cloud or manual. $3: names of manual prices that may be
-- overwritten. $4: whether the stored data of models that are left alone is wanted.
WITH incoming AS MATERIALIZED (
  SELECT entry.key AS model_name, entry.value AS price_data
    FROM pg_catalog.json_each($1::pg_catalog.json) AS entry
), stored AS (
  -- The current price: manual first, then the newest.
  SELECT DISTINCT ON (price.model_name COLLATE "C") price.model_name, price.source, price.price_data
    FROM public.model_prices AS price
   ORDER BY price.model_name COLLATE "C", price.source = 'manual' DESC, price.created_at DESC NULLS LAST, price.id DESC
), verdicts AS (
  SELECT incoming.model_name,
         CASE WHEN stored.model_name IS NULL THEN 'added'
              WHEN stored.source = 'manual' AND $2::pg_catalog.text = 'cloud'
              THEN CASE WHEN incoming.model_name = ANY ($3::pg_catalog.text[]) THEN 'updated' ELSE 'skipped' END
              WHEN stored.source <> 'manual' AND $2::pg_catalog.text = 'manual' THEN 'updated'
              WHEN stored.price_data = incoming.price_data::pg_catalog.jsonb THEN 'unchanged'
              ELSE 'updated'
         END AS action,
         stored.source, stored.price_data AS stored_data, incoming.price_data
    FROM incoming
    LEFT JOIN stored ON stored.model_name COLLATE "C" = incoming.model_name COLLATE "C"
)
SELECT model_name, action, source,
       CASE WHEN action = 'skipped' AND $4::pg_catalog.bool AND stored_data <> price_data::pg_catalog.jsonb
            THEN stored_data END
  FROM verdicts
 WHERE action <> 'unchanged'
 ORDER BY model_name COLLATE "C"
