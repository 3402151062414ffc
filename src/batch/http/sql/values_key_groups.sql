-- The groups of keys with the number of keys in each, as JSON.
SELECT coalesce(json_agg(json_build_object('value', value, 'count', n) ORDER BY lower(value), value), '[]')
  FROM (SELECT one_group AS value, count(*) AS n
          FROM public.keys AS k,
               regexp_split_to_table(coalesce(nullif(btrim(k.provider_group), ''), 'default'), '\s*,\s*') AS one_group
         WHERE k.deleted_at IS NULL AND one_group <> '' GROUP BY one_group) AS found
