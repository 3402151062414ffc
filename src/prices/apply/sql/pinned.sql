-- A cloud price with one provider's prices in place of the general ones; NULL when it lacks that provider.
-- $1: the data, $2: the provider's key in it.
SELECT CASE WHEN pg_catalog.jsonb_typeof($1::pg_catalog.jsonb -> 'pricing' -> $2) = 'object'
            THEN ($1::pg_catalog.jsonb - 'pricing') || ($1::pg_catalog.jsonb -> 'pricing' -> $2)
                 || pg_catalog.jsonb_build_object('selected_pricing_provider', $2::pg_catalog.text,
                                                  'selected_pricing_resolution', 'manual_pin')
       END
