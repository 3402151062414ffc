-- A page of current prices, as JSON, and the total. $1: text in the name or display name, as a LIKE pattern, $2: source,
-- cloud or manual, $3: LiteLLM's provider, $4: vendor, $5: mode (each NULL: any), $6: sort field, $7: asc or desc,
-- $8: limit, $9: offset.
WITH stored AS (
  SELECT DISTINCT ON (price.model_name COLLATE "C") price.*
    FROM public.model_prices AS price
   ORDER BY price.model_name COLLATE "C", price.source = 'manual' DESC, price.created_at DESC NULLS LAST, price.id DESC
), chosen AS (
  SELECT stored.*,
         CASE $6::pg_catalog.text
              WHEN 'modelName' THEN model_name
              WHEN 'source' THEN source
              WHEN 'provider' THEN price_data ->> 'litellm_provider'
              WHEN 'vendor' THEN price_data ->> 'vendor'
              WHEN 'mode' THEN price_data ->> 'mode'
         END COLLATE "C" AS text_key,
         CASE $6::pg_catalog.text
              WHEN 'updatedAt' THEN EXTRACT(epoch FROM updated_at)
              WHEN 'createdAt' THEN EXTRACT(epoch FROM created_at)
              WHEN 'inputPrice' THEN CASE WHEN pg_catalog.jsonb_typeof(price_data -> 'input_cost_per_token') = 'number'
                                          THEN (price_data ->> 'input_cost_per_token')::pg_catalog.numeric END
              WHEN 'outputPrice' THEN CASE WHEN pg_catalog.jsonb_typeof(price_data -> 'output_cost_per_token') = 'number'
                                           THEN (price_data ->> 'output_cost_per_token')::pg_catalog.numeric END
         END AS number_key
    FROM stored
   WHERE ($1::pg_catalog.text IS NULL OR model_name ILIKE $1 OR price_data ->> 'display_name' ILIKE $1)
     AND ($2::pg_catalog.text IS NULL OR (source = 'manual') = ($2 = 'manual'))
     AND ($3::pg_catalog.text IS NULL OR price_data ->> 'litellm_provider' = $3)
     AND ($4::pg_catalog.text IS NULL OR price_data ->> 'vendor' = $4)
     AND ($5::pg_catalog.text IS NULL OR price_data ->> 'mode' = $5)
), page AS (
  SELECT chosen.*, pg_catalog.row_number() OVER (
           ORDER BY CASE WHEN $7 = 'asc' THEN text_key END ASC NULLS LAST,
                    CASE WHEN $7 = 'desc' THEN text_key END DESC NULLS LAST,
                    CASE WHEN $7 = 'asc' THEN number_key END ASC NULLS LAST,
                    CASE WHEN $7 = 'desc' THEN number_key END DESC NULLS LAST,
                    model_name COLLATE "C") AS place
    FROM chosen
   ORDER BY place
   LIMIT $8::pg_catalog.int8 OFFSET $9::pg_catalog.int8
)
SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
           'id', id, 'modelName', model_name, 'priceData', price_data, 'source', source,
           'createdAt', pg_catalog.to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'updatedAt', pg_catalog.to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
         ORDER BY place), '[]'),
       (SELECT pg_catalog.count(*) FROM chosen)
  FROM page
