-- Redis keys of the circuit breakers of providers, of their endpoints and of their vendors.
SELECT p.id, 'circuit_breaker:state:' || p.id FROM public.providers AS p WHERE p.id = ANY ($1::int4[])
UNION ALL
SELECT p.id, 'endpoint_circuit_breaker:state:' || e.id
FROM public.providers AS p
JOIN public.provider_endpoints AS e
  ON e.vendor_id = p.provider_vendor_id AND e.provider_type = p.provider_type AND e.url = p.url AND e.deleted_at IS NULL
WHERE p.id = ANY ($1::int4[])
UNION ALL
SELECT p.id, 'vendor_type_circuit_breaker:state:' || p.provider_vendor_id || ':' || p.provider_type
FROM public.providers AS p WHERE p.id = ANY ($1::int4[]) AND p.provider_vendor_id IS NOT NULL
ORDER BY 1, 2
