-- Keys that match a filter, with the sort key that $1 names. $7 and on: q, ids, userId, tags (of the user), groups, status,
-- expiresAfter, expiresBefore, canLoginWebUi; NULL: any. As with users, of a key's parts only its end is found.
SELECT k.id,
       CASE $1::text WHEN 'name' THEN left(lower(k.name), 64)
                     WHEN 'userName' THEN left(lower(u.name), 64)
                     WHEN 'providerGroup' THEN left(k.provider_group, 64) END AS text_key,
       CASE $1::text WHEN 'id' THEN k.id
                     WHEN 'userId' THEN k.user_id
                     WHEN 'createdAt' THEN extract(epoch FROM k.created_at)
                     WHEN 'expiresAt' THEN extract(epoch FROM k.expires_at)
                     WHEN 'limit5hUsd' THEN k.limit_5h_usd
                     WHEN 'limitDailyUsd' THEN k.limit_daily_usd
                     WHEN 'limitWeeklyUsd' THEN k.limit_weekly_usd
                     WHEN 'limitMonthlyUsd' THEN k.limit_monthly_usd END AS number_key
  FROM public.keys AS k
  LEFT JOIN public.users AS u ON u.id = k.user_id
 WHERE k.deleted_at IS NULL
   AND ($7::text IS NULL
        OR strpos(lower(concat_ws(E'\n', k.name, k.provider_group, u.name)), lower($7)) > 0
        OR k.key = $7 OR (length(k.key) >= 16 AND right(k.key, 4) = $7))
   AND ($8::int4[] IS NULL OR k.id = ANY ($8))
   AND ($9::int4[] IS NULL OR k.user_id = ANY ($9))
   AND ($10::text[] IS NULL OR u.tags ?| $10)
   AND ($11::text[] IS NULL
        OR regexp_split_to_array(coalesce(nullif(btrim(k.provider_group), ''), 'default'), '\s*,\s*') && $11)
   AND CASE $12::text WHEN 'active' THEN k.is_enabled AND (k.expires_at IS NULL OR k.expires_at > now())
                      WHEN 'expired' THEN k.expires_at <= now()
                      WHEN 'expiringSoon' THEN k.expires_at > now() AND k.expires_at <= now() + interval '7 days'
                      WHEN 'enabled' THEN k.is_enabled
                      WHEN 'disabled' THEN k.is_enabled IS NOT TRUE
                      ELSE true END
   AND ($13::timestamptz IS NULL OR k.expires_at >= $13)
   AND ($14::timestamptz IS NULL OR k.expires_at < $14)
   AND ($15::bool IS NULL OR coalesce(k.can_login_web_ui, false) = $15)
