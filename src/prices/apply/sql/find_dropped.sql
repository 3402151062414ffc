-- The cloud's models that the last synced table has and the new one lacks. $1: the new table's names.
SELECT DISTINCT price.model_name COLLATE "C" AS model_name
  FROM public.model_prices AS price
  JOIN (SELECT pg_catalog.unnest(model_names) AS model_name FROM cch_data.price_sync
        EXCEPT SELECT pg_catalog.unnest($1::pg_catalog.text[])) AS dropped
    ON dropped.model_name COLLATE "C" = price.model_name COLLATE "C"
 WHERE price.source <> 'manual'
 ORDER BY 1
