-- The endpoints of a vendor, whose circuit breakers are reset with their provider's, as hub v0.5.2 to v0.9.2 has them.

CREATE TABLE IF NOT EXISTS public.provider_endpoints (
  id serial PRIMARY KEY,
  vendor_id integer NOT NULL,
  provider_type varchar(20) DEFAULT 'claude' NOT NULL,
  url text NOT NULL,
  label varchar(200),
  sort_order integer DEFAULT 0 NOT NULL,
  is_enabled boolean DEFAULT true NOT NULL,
  last_probed_at timestamptz,
  last_probe_ok boolean,
  last_probe_status_code integer,
  last_probe_latency_ms integer,
  last_probe_error_type varchar(64),
  last_probe_error_message text,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  deleted_at timestamptz
);

CREATE UNIQUE INDEX IF NOT EXISTS uniq_provider_endpoints_vendor_type_url
  ON public.provider_endpoints (vendor_id, provider_type, url);

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint
                 WHERE contype = 'f' AND conrelid = 'public.provider_endpoints'::pg_catalog.regclass
                   AND confrelid = 'public.provider_vendors'::pg_catalog.regclass) THEN
    ALTER TABLE public.provider_endpoints
      ADD CONSTRAINT provider_endpoints_vendor_id_provider_vendors_id_fk
      FOREIGN KEY (vendor_id) REFERENCES public.provider_vendors (id) ON DELETE CASCADE;
  END IF;
END
$$;
