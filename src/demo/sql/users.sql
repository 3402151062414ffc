-- 60 users; the first is an administrator.
CREATE OR REPLACE TEMP VIEW demo_users AS
SELECT current_setting('cch_demo.users_base')::integer + number::integer AS id,
       (ARRAY['Li Wei', 'Wang Fang', 'Zhang Min', 'Liu Yang', 'Chen Jing', '赵丽', '孙强', 'Anna', 'Ben', 'Chloé', 'David',
              'Elena', 'Farid', 'Grace', 'Hiro'])[1 + pg_temp.demo_pick(number, seed + 1, 15)]
         || ' ' || number AS name,
       CASE WHEN number % 3 = 0 THEN (ARRAY['Platform team', '算法组', 'Contractor until spring', 'QA', '数据平台'])
                                     [1 + pg_temp.demo_pick(number, seed + 2, 5)] END AS description,
       CASE WHEN number = 1 THEN 'admin' ELSE 'user' END AS role,
       CASE WHEN number % 4 > 0 THEN (ARRAY[30, 60, 120])[1 + pg_temp.demo_pick(number, seed + 3, 3)] END AS rpm_limit,
       CASE WHEN number % 5 > 0 THEN (ARRAY[5.00, 20.00, 50.00, 99.99])[1 + pg_temp.demo_pick(number, seed + 4, 4)] END
         AS daily_limit_usd,
       (ARRAY['default', 'default', 'team-a', 'batch,default'])[1 + pg_temp.demo_pick(number, seed + 5, 4)] AS provider_group,
       timestamptz '2025-09-15 02:00:00Z' + number * interval '19 hours' AS created_at,
       timestamptz '2025-12-15 02:00:00Z' + number * interval '7 hours' AS updated_at,
       CASE WHEN number % 20 = 19 THEN timestamptz '2026-01-10 10:00:00Z' END AS deleted_at,
       CASE WHEN number % 6 = 0 THEN 10.00 END AS limit_5h_usd,
       CASE WHEN number % 4 = 0 THEN 200.00 END AS limit_weekly_usd,
       CASE WHEN number % 4 = 1 THEN 600.00 END AS limit_monthly_usd,
       CASE WHEN number % 7 = 0 THEN 4 END AS limit_concurrent_sessions,
       (ARRAY['[]', '["vip"]', '["team-a", "后端"]', '["intern"]']::jsonb[])[1 + pg_temp.demo_pick(number, seed + 6, 4)] AS tags,
       number % 13 > 0 AS is_enabled,
       CASE WHEN number % 9 = 0 THEN timestamptz '2026-12-31 16:00:00Z' END AS expires_at
FROM generate_series(1, 60) AS number
CROSS JOIN (SELECT current_setting('cch_demo.seed')::bigint AS seed) AS run;
