-- Endpoints that only the providers being deleted use.
SELECT e.id FROM public.provider_endpoints AS e
WHERE e.deleted_at IS NULL
  AND EXISTS (SELECT FROM public.providers AS p WHERE p.id = ANY ($1::int4[]) AND p.provider_vendor_id = e.vendor_id
              AND p.provider_type = e.provider_type AND p.url = e.url)
  AND NOT EXISTS (SELECT FROM public.providers AS p WHERE p.deleted_at IS NULL AND p.provider_vendor_id = e.vendor_id
                  AND p.provider_type = e.provider_type AND p.url = e.url)
ORDER BY e.id
