-- Whether a hub has stored a price table of its own in the last week.
SELECT EXISTS (SELECT FROM public.cloud_pricing_catalog AS catalog
                WHERE catalog.synced_at > pg_catalog.now() - '7 days'::pg_catalog.interval)
