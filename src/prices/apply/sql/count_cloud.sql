SELECT pg_catalog.count(DISTINCT model_name) FROM public.model_prices WHERE source <> 'manual'
