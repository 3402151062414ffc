-- Keys as list items, in the order of the ids ($1); see list_user_items.sql.
SELECT k.id, json_build_object(
         'id', k.id, 'userId', k.user_id, 'userName', u.name, 'name', k.name,
         'maskedKey', CASE WHEN length(k.key) >= 16 THEN left(k.key, 4) || '••••••' || right(k.key, 4)
                           ELSE '••••••' END,
         'providerGroup', k.provider_group, 'isEnabled', coalesce(k.is_enabled, false),
         'status', CASE WHEN k.is_enabled THEN 'enabled' ELSE 'disabled' END,
         'expiresAt', to_char(k.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'canLoginWebUi', coalesce(k.can_login_web_ui, false),
         'limit5hUsd', k.limit_5h_usd, 'limitDailyUsd', k.limit_daily_usd, 'limitWeeklyUsd', k.limit_weekly_usd,
         'limitMonthlyUsd', k.limit_monthly_usd, 'limitTotalUsd', k.limit_total_usd,
         'limitConcurrentSessions', k.limit_concurrent_sessions,
         'limit5hResetMode', j.row -> 'limit_5h_reset_mode', 'dailyResetMode', k.daily_reset_mode,
         'dailyResetTime', k.daily_reset_time, 'cacheTtlPreference', k.cache_ttl_preference,
         'createdAt', to_char(k.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'updatedAt', to_char(k.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text
  FROM unnest($1::int4[]) WITH ORDINALITY AS wanted (id, place)
  JOIN public.keys AS k ON k.id = wanted.id
  LEFT JOIN public.users AS u ON u.id = k.user_id
 CROSS JOIN LATERAL (SELECT to_jsonb(k) - 'key' AS row OFFSET 0) AS j -- once a row
 ORDER BY wanted.place
