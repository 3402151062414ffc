-- The hub's targets, by whatever columns its version has.
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
         'id', t.target -> 'id', 'name', t.target -> 'name', 'type', t.target -> 'provider_type',
         'enabled', coalesce((t.target ->> 'is_enabled')::pg_catalog.bool, true)) ORDER BY (t.target ->> 'id')::pg_catalog.int4), '[]')
FROM (SELECT pg_catalog.to_jsonb(w) AS target FROM public.webhook_targets w ORDER BY 1 LIMIT 200) t
