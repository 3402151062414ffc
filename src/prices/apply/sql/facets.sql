-- The values by which current prices can be filtered, as JSON: each source, and each provider, vendor and mode with its
-- count, the most frequent first.
WITH stored AS (
  SELECT DISTINCT ON (price.model_name COLLATE "C")
         CASE WHEN price.source = 'manual' THEN 'manual' ELSE 'cloud' END AS source,
         price.price_data ->> 'litellm_provider' AS provider, price.price_data ->> 'vendor' AS vendor,
         price.price_data ->> 'mode' AS mode
    FROM public.model_prices AS price
   ORDER BY price.model_name COLLATE "C", price.source = 'manual' DESC, price.created_at DESC NULLS LAST, price.id DESC
), counted AS (
  SELECT facet.name, facet.value, pg_catalog.count(*) AS n
    FROM stored
   CROSS JOIN LATERAL (VALUES ('sources', source), ('providers', provider), ('vendors', vendor), ('modes', mode))
                   AS facet (name, value)
   WHERE facet.value <> ''
   GROUP BY facet.name, facet.value
), lists AS (
  SELECT name, pg_catalog.json_agg(pg_catalog.json_build_object('value', value, 'count', n)
                                   ORDER BY n DESC, value COLLATE "C") AS list
    FROM counted
   GROUP BY name
)
SELECT pg_catalog.json_build_object(
         'total', (SELECT pg_catalog.count(*) FROM stored),
         'sources', COALESCE((SELECT list FROM lists WHERE name = 'sources'), '[]'),
         'providers', COALESCE((SELECT list FROM lists WHERE name = 'providers'), '[]'),
         'vendors', COALESCE((SELECT list FROM lists WHERE name = 'vendors'), '[]'),
         'modes', COALESCE((SELECT list FROM lists WHERE name = 'modes'), '[]'))
