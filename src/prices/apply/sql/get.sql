-- A model's current price, as JSON: the whole row, and its data alone. $1: name. $2: whether only cloud rows count.
SELECT pg_catalog.json_build_object(
         'id', id, 'modelName', model_name, 'priceData', price_data, 'source', source,
         'createdAt', pg_catalog.to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'updatedAt', pg_catalog.to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
       price_data, source
  FROM public.model_prices
 WHERE model_name = $1 AND (source <> 'manual' OR NOT $2::pg_catalog.bool)
 ORDER BY source = 'manual' DESC, created_at DESC NULLS LAST, id DESC
 LIMIT 1
