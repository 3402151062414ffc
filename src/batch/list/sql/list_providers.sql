-- Providers that match a filter, with the sort key that $1 names. $7 and on: q, ids, providerType, groups, enabled, and the
-- ids of those whose circuit breaker is in the wanted state; NULL: any.
SELECT p.id,
       CASE $1::text WHEN 'name' THEN left(lower(p.name), 64)
                     WHEN 'groupTag' THEN left(p.group_tag, 64)
                     WHEN 'providerType' THEN p.provider_type END AS text_key,
       CASE $1::text WHEN 'id' THEN p.id
                     WHEN 'createdAt' THEN extract(epoch FROM p.created_at)
                     WHEN 'priority' THEN p.priority
                     WHEN 'weight' THEN p.weight
                     WHEN 'costMultiplier' THEN p.cost_multiplier END AS number_key
  FROM public.providers AS p
 WHERE p.deleted_at IS NULL
   AND ($7::text IS NULL
        OR strpos(lower(concat_ws(E'\n', p.name, p.description, p.url, p.website_url, p.group_tag, p.provider_type)),
                  lower($7)) > 0)
   AND ($8::int4[] IS NULL OR p.id = ANY ($8))
   AND ($9::text[] IS NULL OR p.provider_type = ANY ($9))
   AND ($10::text[] IS NULL
        OR regexp_split_to_array(coalesce(nullif(btrim(p.group_tag), ''), 'default'), '\s*,\s*') && $10)
   AND ($11::bool IS NULL OR p.is_enabled = $11)
   AND ($12::int4[] IS NULL OR p.id = ANY ($12))
