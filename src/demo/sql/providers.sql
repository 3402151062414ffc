-- Three for each vendor: 24.
CREATE OR REPLACE TEMP VIEW demo_providers AS
SELECT current_setting('cch_demo.providers_base')::integer + number::integer AS id,
       display_name || CASE tier WHEN 0 THEN ' primary' WHEN 1 THEN ' standby' ELSE ' batch' END AS name,
       CASE WHEN tier = 2 THEN 'Cheaper and slower; 夜间批处理' END AS description,
       'https://api' || CASE WHEN tier > 0 THEN tier::text ELSE '' END || '.' || website_domain || '/v1' AS url,
       'sk-demo-provider-' || md5(seed || ' provider ' || number) AS key,
       pg_temp.demo_pick(number, seed + 101, 8) > 0 AS is_enabled,
       (1 + pg_temp.demo_pick(number, seed + 102, 10))::integer AS weight,
       tier::integer AS priority,
       (ARRAY[1.0, 0.85, 0.5]::numeric[])[tier + 1] AS cost_multiplier,
       (ARRAY['default', 'default,team-a', 'batch'])[tier + 1] AS group_tag,
       CASE website_domain WHEN 'openai.example' THEN 'codex' WHEN 'google.example' THEN 'gemini'
                           WHEN 'anthropic.example' THEN 'claude' ELSE 'openai-compatible' END AS provider_type,
       CASE WHEN tier = 1 THEN '{"claude-sonnet-4-5": "claude-sonnet-4-5-20250929"}'::jsonb END AS model_redirects,
       (ARRAY[NULL, 200, 50]::numeric[])[tier + 1] AS limit_daily_usd,
       (ARRAY[0, 0, 5])[tier + 1] AS limit_concurrent_sessions,
       'https://' || website_domain AS website_url,
       vendor_id AS provider_vendor_id,
       vendor.created_at,
       vendor.created_at + interval '90 days' AS updated_at
FROM (SELECT row_number() OVER (ORDER BY website_domain) AS vendor_number, public_vendor.id AS vendor_id,
             website_domain, demo.display_name, demo.created_at
      FROM pg_temp.demo_vendors AS demo JOIN public.provider_vendors AS public_vendor USING (website_domain)) AS vendor
CROSS JOIN generate_series(0, 2) AS tier
CROSS JOIN LATERAL (SELECT (vendor_number - 1) * 3 + tier + 1 AS number) AS numbered
CROSS JOIN (SELECT current_setting('cch_demo.seed')::bigint AS seed) AS run;
