-- Of the last synced table: the models that have a price (an invalid one may have none), the models among them that were left
-- alone, and the number of all its models.
SELECT (SELECT COALESCE(pg_catalog.json_agg(name ORDER BY name COLLATE "C"), '[]')
          FROM pg_catalog.unnest(sync.model_names) AS name
         WHERE EXISTS (SELECT FROM public.model_prices AS price WHERE price.model_name = name)),
       COALESCE((SELECT pg_catalog.array_to_json(applied.skipped)
                   FROM cch_data.price_applied AS applied
                  WHERE applied.kind = 'sync' AND applied.state = sync.state), '[]'),
       pg_catalog.cardinality(sync.model_names)
  FROM cch_data.price_sync AS sync
