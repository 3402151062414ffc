-- Like circuit_keys.sql, for hubs without a table of endpoints.
SELECT p.id, 'circuit_breaker:state:' || p.id FROM public.providers AS p WHERE p.id = ANY ($1::int4[])
UNION ALL
SELECT p.id, 'vendor_type_circuit_breaker:state:' || p.provider_vendor_id || ':' || p.provider_type
FROM public.providers AS p WHERE p.id = ANY ($1::int4[]) AND p.provider_vendor_id IS NOT NULL
ORDER BY 1, 2
