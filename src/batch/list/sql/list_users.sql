-- Users that match a filter, with the sort key that $1 names. $7 and on: q, ids, tags, keyGroups, status, expiresAfter,
-- expiresBefore, role; NULL: any. A whole key finds its user; of a key's parts only its end does.
SELECT u.id,
       CASE $1::text WHEN 'name' THEN left(lower(u.name), 64)
                     WHEN 'tags' THEN left(lower(u.tags::text), 64)
                     WHEN 'role' THEN u.role END AS text_key,
       CASE $1::text WHEN 'id' THEN u.id
                     WHEN 'createdAt' THEN extract(epoch FROM u.created_at)
                     WHEN 'expiresAt' THEN extract(epoch FROM u.expires_at)
                     WHEN 'rpm' THEN u.rpm_limit
                     WHEN 'limit5hUsd' THEN u.limit_5h_usd
                     WHEN 'limitDailyUsd' THEN u.daily_limit_usd
                     WHEN 'limitWeeklyUsd' THEN u.limit_weekly_usd
                     WHEN 'limitMonthlyUsd' THEN u.limit_monthly_usd END AS number_key
  FROM public.users AS u
 WHERE u.deleted_at IS NULL
   AND ($7::text IS NULL
        OR strpos(lower(concat_ws(E'\n', u.name, u.description, u.provider_group)), lower($7)) > 0
        OR EXISTS (SELECT FROM jsonb_array_elements_text(
                     CASE jsonb_typeof(u.tags) WHEN 'array' THEN u.tags END) AS tag WHERE strpos(lower(tag), lower($7)) > 0)
        OR EXISTS (SELECT FROM public.keys AS k
                    WHERE k.user_id = u.id AND k.deleted_at IS NULL
                      AND (strpos(lower(concat_ws(E'\n', k.name, k.provider_group)), lower($7)) > 0
                           OR k.key = $7 OR (length(k.key) >= 16 AND right(k.key, 4) = $7))))
   AND ($8::int4[] IS NULL OR u.id = ANY ($8))
   AND ($9::text[] IS NULL OR u.tags ?| $9)
   AND ($10::text[] IS NULL
        OR EXISTS (SELECT FROM public.keys AS k
                    WHERE k.user_id = u.id AND k.deleted_at IS NULL
                      AND regexp_split_to_array(coalesce(nullif(btrim(k.provider_group), ''), 'default'), '\s*,\s*') && $10))
   AND CASE $11::text WHEN 'active' THEN u.is_enabled AND (u.expires_at IS NULL OR u.expires_at > now())
                      WHEN 'expired' THEN u.expires_at <= now()
                      WHEN 'expiringSoon' THEN u.expires_at > now() AND u.expires_at <= now() + interval '7 days'
                      WHEN 'enabled' THEN u.is_enabled
                      WHEN 'disabled' THEN NOT u.is_enabled
                      ELSE true END
   AND ($12::timestamptz IS NULL OR u.expires_at >= $12)
   AND ($13::timestamptz IS NULL OR u.expires_at < $13)
   AND ($14::text IS NULL OR coalesce(u.role, 'user') = $14)
