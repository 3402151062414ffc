-- The requests from cch_demo.first to cch_demo.last, in order of time. Eight sessions of eight requests each run side by side;
-- a session has one key and one model. A few users make most requests.
CREATE OR REPLACE TEMP VIEW demo_requests AS
WITH run AS MATERIALIZED (
  SELECT current_setting('cch_demo.seed')::bigint AS seed,
         current_setting('cch_demo.users_base')::integer AS users_base,
         current_setting('cch_demo.keys_base')::integer AS keys_base,
         current_setting('cch_demo.providers_base')::integer AS providers_base,
         current_setting('cch_demo.requests_base')::integer AS requests_base,
         interval '90 days' / current_setting('cch_demo.total')::bigint AS pace
), model AS MATERIALIZED (
  SELECT number - 1 AS number, name, input * 0.000001 AS input, output * 0.000001 AS output,
         cache_write * 0.000001 AS cache_write, cache_read * 0.000001 AS cache_read, provider_offset, api_type, endpoint
  FROM (VALUES
    (1, 'claude-sonnet-4-5-20250929', 3, 15, 3.75, 0.3, 0, 'response', '/v1/messages'),
    (2, 'claude-haiku-4-5-20251001', 1, 5, 1.25, 0.1, 0, 'response', '/v1/messages'),
    (3, 'claude-opus-4-5-20251101', 5, 25, 6.25, 0.5, 0, 'response', '/v1/messages'),
    (4, 'gpt-5.1-codex', 1.25, 10, 1.25, 0.125, 15, 'codex', '/v1/responses'),
    (5, 'gemini-2.5-pro', 1.25, 10, 1.25, 0.125, 9, 'gemini', '/v1beta/models'),
    (6, 'deepseek-chat', 0.28, 0.42, 0.28, 0.028, 6, 'openai', '/v1/chat/completions')
  ) AS priced (number, name, input, output, cache_write, cache_read, provider_offset, api_type, endpoint)
), key AS MATERIALIZED (
  SELECT id, user_id, key FROM public.keys, run WHERE id > keys_base AND id <= keys_base + 180
), provider AS MATERIALIZED (
  SELECT id, name, url, cost_multiplier, provider_vendor_id, provider_type
  FROM public.providers, run WHERE id > providers_base AND id <= providers_base + 24
), request AS (
  SELECT run.*, n, session, (n % 64) / 8 + 1 AS request_sequence,
         timestamptz '2026-01-29 10:30:00Z' - interval '90 days' + n * pace AS created_at,
         keys_base + 1 + floor(power(pg_temp.demo_pick(session, seed + 1, 1000), 2) * 180 / 1000000)::integer AS key_id,
         (ARRAY[0, 0, 0, 0, 1, 1, 2, 3, 4, 5])[1 + pg_temp.demo_pick(session, seed + 2, 10)] AS model_number,
         pg_temp.demo_pick(n, seed + 3, 10) AS tier_dice,
         pg_temp.demo_pick(n, seed + 4, 1000) AS fate,
         200 + pg_temp.demo_pick(n, seed + 5, 4000) AS input_tokens,
         20 + pg_temp.demo_pick(n, seed + 6, 60) * pg_temp.demo_pick(n, seed + 7, 60) AS output_tokens,
         pg_temp.demo_pick(n, seed + 8, 9000) AS cache_write_tokens,
         pg_temp.demo_pick(n, seed + 9, 120000) AS cache_read_tokens,
         300 + pg_temp.demo_pick(n, seed + 10, 2500) AS ttfb_ms,
         md5(seed || ' session ' || session) AS session_hash
  FROM run,
       generate_series(current_setting('cch_demo.first')::bigint, current_setting('cch_demo.last')::bigint) AS n,
       LATERAL (SELECT n / 64 * 8 + n % 8 AS session) AS grouped
  OFFSET 0 -- evaluates each choice once
), judged AS (
  SELECT request.*, key.user_id, key.key, model.name AS model, model.api_type, model.endpoint,
         provider.id AS provider_id, provider.name AS provider_name, provider.url AS provider_url,
         provider.provider_vendor_id, provider.provider_type, provider.cost_multiplier,
         CASE WHEN fate < 970 THEN 200 WHEN fate < 982 THEN 429 WHEN fate < 991 THEN 529 WHEN fate < 996 THEN 500
              ELSE 400 END AS status_code,
         input_tokens * model.input AS input_cost,
         output_tokens * model.output AS output_cost,
         cache_write_tokens * model.cache_write AS cache_write_cost,
         cache_read_tokens * model.cache_read AS cache_read_cost
  FROM request -- all joins find a row; the planner assumes that only of outer joins, and would choose nested loops for inner ones
  LEFT JOIN model ON model.number = model_number
  LEFT JOIN key ON key.id = key_id
  LEFT JOIN provider ON provider.id = providers_base + 1 + provider_offset
                                 + CASE WHEN tier_dice < 7 THEN 0 WHEN tier_dice < 9 THEN 1 ELSE 2 END
)
SELECT requests_base + n::integer AS id,
       provider_id,
       user_id,
       key,
       model,
       model AS original_model,
       (ttfb_ms + output_tokens * 12)::integer AS duration_ms,
       ttfb_ms::integer AS ttfb_ms,
       (ttfb_ms - 40)::integer AS first_byte_ms,
       CASE WHEN status_code = 200
            THEN (input_cost + output_cost + cache_write_cost + cache_read_cost) * cost_multiplier ELSE 0 END AS cost_usd,
       cost_multiplier,
       CASE WHEN status_code = 200
            THEN jsonb_build_object('input', input_cost, 'output', output_cost, 'cacheCreation', cache_write_cost,
                                    'cacheRead', cache_read_cost) END AS cost_breakdown,
       jsonb_build_array(jsonb_build_object(
         'id', provider_id, 'name', provider_name, 'vendorId', provider_vendor_id, 'providerType', provider_type,
         'endpointUrl', provider_url, 'reason', CASE WHEN status_code <> 200 THEN 'retry_failed' WHEN request_sequence = 1
         THEN 'initial_selection' ELSE 'session_reuse' END, 'circuitState', 'closed', 'attemptNumber', 1,
         'statusCode', status_code, 'timestamp', (extract(epoch FROM created_at) * 1000)::bigint)) AS provider_chain,
       status_code,
       api_type,
       endpoint,
       CASE WHEN status_code = 200 THEN input_tokens END AS input_tokens,
       CASE WHEN status_code = 200 THEN output_tokens END AS output_tokens,
       CASE WHEN status_code = 200 THEN cache_write_tokens END AS cache_creation_input_tokens,
       CASE WHEN status_code = 200 THEN cache_write_tokens END AS cache_creation_5m_input_tokens,
       CASE WHEN status_code = 200 THEN cache_read_tokens END AS cache_read_input_tokens,
       CASE WHEN status_code = 200 AND api_type = 'response' THEN '5m' END AS cache_ttl_applied,
       CASE status_code
         WHEN 429 THEN '{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your '
                       || 'organization''s rate limit of 400,000 input tokens per minute. Please reduce the prompt length '
                       || 'or try again later."},"request_id":"req_' || substr(session_hash, 1, 24) || '"}'
         WHEN 529 THEN '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
         WHEN 500 THEN 'fetch failed: connect ETIMEDOUT ' || provider_url || ' (上游超时)'
         WHEN 400 THEN 'messages.' || n % 40 || '.content.0: tool_use ids were found without tool_result blocks immediately '
                       || 'after: toolu_' || substr(session_hash, 1, 24)
       END AS error_message,
       CASE WHEN status_code = 500 THEN E'Error: fetch failed\n    at node:internal/deps/undici/undici:13510:13\n'
                                        || E'    at async forward (/app/server/forwarder.js:812:22)' END AS error_stack,
       'sess_' || substr(session_hash, 1, 8) || '_' || substr(session_hash, 9, 12) AS session_id,
       request_sequence::integer AS request_sequence,
       (request_sequence * 2 - 1)::integer AS messages_count,
       (ARRAY['claude-cli/2.0.76 (external, cli)', 'claude-cli/2.0.31 (external, sdk-ts)',
              'codex_cli_rs/0.63.0 (Mac OS 15.6.1; arm64) iTerm.app/3.6.5',
              'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Code/1.107.0 Electron/39.2.3'])
         [1 + pg_temp.demo_pick(session, seed + 11, 4)] AS user_agent,
       '10.' || session % 8 || '.' || session % 113 || '.' || session % 251 AS client_ip,
       CASE WHEN status_code = 200 THEN model END AS actual_response_model,
       CASE WHEN n % 10 = 0 THEN '[{"type": "thinking_budget", "hit": true, "before": 16000, "after": 31999}]'::jsonb END
         AS special_settings,
       created_at,
       created_at + (ttfb_ms + output_tokens * 12) * interval '1 ms' AS updated_at
FROM judged;
