-- The groups of providers with the number of providers in each, as JSON.
SELECT coalesce(json_agg(json_build_object('value', value, 'count', n) ORDER BY lower(value), value), '[]')
  FROM (SELECT one_group AS value, count(*) AS n
          FROM public.providers AS p,
               regexp_split_to_table(coalesce(nullif(btrim(p.group_tag), ''), 'default'), '\s*,\s*') AS one_group
         WHERE p.deleted_at IS NULL AND one_group <> '' GROUP BY one_group) AS found
