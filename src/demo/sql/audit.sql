CREATE OR REPLACE TEMP VIEW demo_audit AS
SELECT (ARRAY['user', 'key', 'provider', 'system_settings'])[1 + kind] AS action_category,
       (ARRAY['user.update', 'key.create', 'provider.update', 'system_settings.update'])[1 + kind] AS action_type,
       (ARRAY['user', 'key', 'provider', 'system_settings'])[1 + kind] AS target_type,
       (1 + pg_temp.demo_pick(number, seed + 202, 24))::text AS target_id,
       (ARRAY['Li Wei 12', 'ci', 'Relay East primary', 'CC Hub'])[1 + kind] AS target_name,
       CASE WHEN kind <> 1 THEN jsonb_build_object('weight', number % 10, 'isEnabled', true) END AS before_value,
       jsonb_build_object('weight', number % 7, 'isEnabled', number % 3 > 0, 'note', '调整权重') AS after_value,
       -1 AS operator_user_id,
       'Admin Token' AS operator_user_name,
       '10.0.' || number % 4 || '.' || number % 250 AS operator_ip,
       'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' AS user_agent,
       number % 25 > 0 AS success,
       CASE WHEN number % 25 = 0 THEN 'PERMISSION_DENIED' END AS error_message,
       timestamptz '2025-11-01 00:00:00Z' + number * interval '7 hours 13 minutes' AS created_at
FROM generate_series(1, 300) AS number
CROSS JOIN (SELECT current_setting('cch_demo.seed')::bigint AS seed) AS run
CROSS JOIN LATERAL (SELECT pg_temp.demo_pick(number, seed + 201, 4)::integer AS kind) AS chosen;
