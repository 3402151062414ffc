-- Providers as list items, in the order of the ids ($1); see list_user_items.sql. Passwords in addresses are masked, too.
-- Custom headers, which may hold passwords, are left out.
SELECT p.id, json_build_object(
         'id', p.id, 'name', p.name, 'description', p.description,
         'url', regexp_replace(p.url, '://[^/@]*@', '://••••••@'),
         'maskedKey', CASE WHEN length(p.key) >= 16 THEN left(p.key, 4) || '••••••' || right(p.key, 4)
                           ELSE '••••••' END,
         'isEnabled', p.is_enabled, 'weight', p.weight, 'priority', p.priority, 'costMultiplier', p.cost_multiplier,
         'groupTag', p.group_tag, 'providerType', p.provider_type, 'providerVendorId', p.provider_vendor_id,
         'modelRedirects', p.model_redirects, 'allowedModels', p.allowed_models,
         'allowedClients', j.row -> 'allowed_clients', 'blockedClients', j.row -> 'blocked_clients',
         'groupPriorities', j.row -> 'group_priorities',
         'limit5hUsd', p.limit_5h_usd, 'limit5hResetMode', j.row -> 'limit_5h_reset_mode',
         'limitDailyUsd', p.limit_daily_usd, 'dailyResetMode', p.daily_reset_mode,
         'dailyResetTime', p.daily_reset_time, 'limitWeeklyUsd', p.limit_weekly_usd,
         'limitMonthlyUsd', p.limit_monthly_usd, 'limitTotalUsd', p.limit_total_usd,
         'limitConcurrentSessions', p.limit_concurrent_sessions, 'maxRetryAttempts', p.max_retry_attempts,
         'circuitBreakerFailureThreshold', p.circuit_breaker_failure_threshold,
         'circuitBreakerOpenDuration', p.circuit_breaker_open_duration,
         'circuitBreakerHalfOpenSuccessThreshold', p.circuit_breaker_half_open_success_threshold,
         'proxyUrl', regexp_replace(p.proxy_url, '://[^/@]*@', '://••••••@'),
         'proxyFallbackToDirect', p.proxy_fallback_to_direct, 'websiteUrl', p.website_url, 'faviconUrl', p.favicon_url,
         'firstByteTimeoutStreamingMs', p.first_byte_timeout_streaming_ms,
         'streamingIdleTimeoutMs', p.streaming_idle_timeout_ms,
         'requestTimeoutNonStreamingMs', p.request_timeout_non_streaming_ms,
         'activeTimeStart', j.row -> 'active_time_start', 'activeTimeEnd', j.row -> 'active_time_end',
         'preserveClientIp', p.preserve_client_ip, 'cacheTtlPreference', p.cache_ttl_preference,
         'createdAt', to_char(p.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'updatedAt', to_char(p.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text
  FROM unnest($1::int4[]) WITH ORDINALITY AS wanted (id, place)
  JOIN public.providers AS p ON p.id = wanted.id
 CROSS JOIN LATERAL (SELECT to_jsonb(p) - 'key' AS row OFFSET 0) AS j -- once a row
 ORDER BY wanted.place
