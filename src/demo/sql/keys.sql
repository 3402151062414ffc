-- Three for each user: 180. None opens the web interface, because the seed reveals the keys.
CREATE OR REPLACE TEMP VIEW demo_keys AS
SELECT current_setting('cch_demo.keys_base')::integer + ((owner_number - 1) * 3 + nth)::integer AS id,
       owner.id AS user_id,
       'sk-demo-' || md5(seed || ' key ' || owner_number || ' ' || nth) AS key,
       (ARRAY['laptop', 'ci', '备用'])[nth] AS name,
       nth < 3 OR owner_number % 4 > 0 AS is_enabled,
       CASE WHEN nth = 3 THEN timestamptz '2026-06-30 16:00:00Z' END AS expires_at,
       CASE WHEN nth = 2 THEN 2.50 END AS limit_5h_usd,
       CASE WHEN nth = 2 THEN 10.00 END AS limit_daily_usd,
       CASE WHEN nth = 3 THEN 100.00 END AS limit_monthly_usd,
       0 AS limit_concurrent_sessions,
       false AS can_login_web_ui,
       owner.provider_group,
       owner.created_at + nth * interval '1 hour' AS created_at,
       owner.updated_at,
       owner.deleted_at
FROM (SELECT *, id - current_setting('cch_demo.users_base')::bigint AS owner_number FROM pg_temp.demo_users) AS owner
CROSS JOIN generate_series(1, 3) AS nth
CROSS JOIN (SELECT current_setting('cch_demo.seed')::bigint AS seed) AS run;
