CREATE OR REPLACE TEMP VIEW demo_settings AS
SELECT 'CC Hub (demo 演示)' AS site_title,
       'USD' AS currency_display,
       'Asia/Shanghai' AS timezone,
       true AS enable_auto_cleanup,
       90 AS cleanup_retention_days
WHERE NOT EXISTS (SELECT FROM public.system_settings);
