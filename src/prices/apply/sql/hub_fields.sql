-- Models of a new table, completed by fields that the hub has and the table lacks, such as the vendor and each provider's
-- prices. $1: the models as an object, name -> price data.
WITH incoming AS MATERIALIZED (
  SELECT entry.key AS model_name, entry.value::pg_catalog.jsonb AS price_data
    FROM pg_catalog.json_each($1::pg_catalog.json) AS entry
), stored AS (
  SELECT DISTINCT ON (price.model_name COLLATE "C") price.model_name, price.source,
         CASE WHEN pg_catalog.jsonb_typeof(price.price_data) = 'object' THEN price.price_data END AS price_data
    FROM public.model_prices AS price
   ORDER BY price.model_name COLLATE "C", price.source = 'manual' DESC, price.created_at DESC NULLS LAST, price.id DESC
)
SELECT incoming.model_name, kept.fields || incoming.price_data
  FROM incoming
  JOIN stored ON stored.model_name COLLATE "C" = incoming.model_name COLLATE "C" AND stored.source <> 'manual'
 CROSS JOIN LATERAL (
   SELECT pg_catalog.jsonb_object_agg(field.key, field.value) AS fields
     FROM pg_catalog.jsonb_each(stored.price_data) AS field
    WHERE field.key IN ('vendor', 'vendor_icon', 'vendor_icon_mono', 'slug', 'providers', 'pricing',
                        'official_pricing_provider', 'aliases', 'model_family')
      AND NOT pg_catalog.jsonb_exists(incoming.price_data, field.key)) AS kept
 WHERE kept.fields IS NOT NULL
 ORDER BY incoming.model_name COLLATE "C"
