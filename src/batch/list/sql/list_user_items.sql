-- Users as list items, in the order of the ids ($1). Columns that only some versions of the hub have are read from the row as
-- JSON, and are null where they are missing. At most the first hundred keys are shown.
SELECT u.id, json_build_object(
         'id', u.id, 'name', u.name, 'note', u.description, 'role', u.role, 'rpm', u.rpm_limit,
         'dailyQuota', u.daily_limit_usd, 'providerGroup', u.provider_group, 'tags', coalesce(u.tags, '[]'),
         'limit5hUsd', u.limit_5h_usd, 'limitWeeklyUsd', u.limit_weekly_usd, 'limitMonthlyUsd', u.limit_monthly_usd,
         'limitTotalUsd', u.limit_total_usd, 'limitConcurrentSessions', u.limit_concurrent_sessions,
         'limit5hResetMode', j.row -> 'limit_5h_reset_mode', 'dailyResetMode', u.daily_reset_mode,
         'dailyResetTime', u.daily_reset_time, 'isEnabled', u.is_enabled,
         'expiresAt', to_char(u.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'allowedClients', u.allowed_clients, 'blockedClients', j.row -> 'blocked_clients',
         'allowedModels', u.allowed_models,
         'createdAt', to_char(u.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'updatedAt', to_char(u.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'keyCount', (SELECT count(*) FROM public.keys AS k WHERE k.user_id = u.id AND k.deleted_at IS NULL),
         'keys', (SELECT coalesce(json_agg(json_build_object(
                    'id', k.id, 'name', k.name,
                    'maskedKey', CASE WHEN length(k.key) >= 16 THEN left(k.key, 4) || '••••••' || right(k.key, 4)
                                      ELSE '••••••' END,
                    'providerGroup', k.provider_group, 'isEnabled', coalesce(k.is_enabled, false),
                    'status', CASE WHEN k.is_enabled THEN 'enabled' ELSE 'disabled' END,
                    'expiresAt', to_char(k.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                    'canLoginWebUi', coalesce(k.can_login_web_ui, false),
                    'limit5hUsd', k.limit_5h_usd, 'limitDailyUsd', k.limit_daily_usd,
                    'limitWeeklyUsd', k.limit_weekly_usd, 'limitMonthlyUsd', k.limit_monthly_usd) ORDER BY k.id), '[]')
                    FROM (SELECT * FROM public.keys WHERE user_id = u.id AND deleted_at IS NULL
                           ORDER BY id LIMIT 100) AS k))::text
  FROM unnest($1::int4[]) WITH ORDINALITY AS wanted (id, place)
  JOIN public.users AS u ON u.id = wanted.id
 CROSS JOIN LATERAL (SELECT to_jsonb(u) AS row OFFSET 0) AS j -- once a row
 ORDER BY wanted.place
