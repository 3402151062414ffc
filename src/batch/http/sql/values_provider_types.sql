-- The types of providers with the number of providers of each, as JSON.
SELECT coalesce(json_agg(json_build_object('value', value, 'count', n) ORDER BY value), '[]')
  FROM (SELECT p.provider_type AS value, count(*) AS n FROM public.providers AS p
         WHERE p.deleted_at IS NULL GROUP BY p.provider_type) AS found
